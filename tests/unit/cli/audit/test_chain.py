"""`regate audit verify` and `seal`, as a script runs them."""

from __future__ import annotations

import json

from tests.unit.audit.conftest import Evidence
from tests.unit.cli.audit.conftest import Command


def test_verify_is_0_when_intact_and_1_when_broken(regate: Command, written: Evidence) -> None:
    assert "intact: 10 records" in regate("audit", "verify")
    assert json.loads(regate("audit", "verify", "--json"))["intact"] is True

    written.live().write_bytes(written.live().read_bytes().replace(b'"number":6', b'"number":7'))
    told = regate("audit", "verify", code=1)
    assert f"journal/{written.live().name}:7: record" in told
    assert "its body was changed" in told


def test_seal_takes_what_a_dead_writer_left(regate: Command, written: Evidence) -> None:
    with written.live().open("ab") as file:
        file.write(b'{"torn')

    told = json.loads(regate("audit", "seal", "--json"))
    assert len(told["sealed"]) == 2
    assert "intact: 11 records" in regate("audit", "verify")
