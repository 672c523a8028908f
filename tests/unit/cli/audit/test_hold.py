"""`regate audit hold` and `release`: what may be needed in court stays."""

from __future__ import annotations

import json

from tests.unit.audit.conftest import Evidence
from tests.unit.cli.audit.conftest import Command


def test_a_hold_keeps_what_is_ordered_to_go_until_it_is_released(regate: Command, written: Evidence) -> None:
    """The order stands: what it names goes after the release, and both acts are on record."""
    held = regate("audit", "hold", "--agent", "billing", "--reason", "case 12").split()[0]
    assert "no hold of this name is in force" in regate("audit", "release", "lh_other", code=1)
    regate("audit", "seal")
    order = ("audit", "erase", "--session", "se_1", "--yes", "--json")
    assert json.loads(regate(*order))["left"] == 3
    left = "SELECT count(body) FROM decisions WHERE session_id = 'se_1'"
    assert written.rows(left) == [[3]]
    regate("audit", "release", held)
    regate("audit", "seal")
    assert written.rows(left) == [[0]]
    assert written.rows("SELECT what, agent FROM removals WHERE order_id = ? ORDER BY removed_at", held) == [
        ["held", "billing"],
        ["released", "billing"],
    ]
    assert "intact" in regate("audit", "verify")
