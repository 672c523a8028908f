"""The tests of sealing have it done as gateways do."""

from __future__ import annotations

import pytest

from gateway.audit import Sealer
from tests.unit.audit.conftest import Evidence


@pytest.fixture(autouse=True)
def child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a child process write the files."""
    monkeypatch.setattr(Evidence, "sealed_by", Sealer)
