"""Whatever comes from either side, the gateway answers as documented; `make fuzz` asks 10,000 times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fuzzing import fuzz


def test_exchanges_from_valid_to_hostile(tmp_path: Path) -> None:
    statuses = fuzz(tmp_path, 60)
    assert statuses.total() >= 60
    assert {"200", "400"} <= statuses.keys(), statuses


def test_a_gateway_that_fails_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("gateway.exchange.receive.open_envelope", fail)
    with pytest.raises(AssertionError, match="unforeseen fault"):
        fuzz(tmp_path, 10)
