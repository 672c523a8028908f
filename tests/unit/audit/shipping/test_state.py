"""How far each receiver is, by what is on disk."""

from __future__ import annotations

from gateway.audit.shipping.state import Cursor, ShippingState, StateFile, count_behind
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.audit.shipping.conftest import Inbox, Ship


def test_behind_counts_what_is_live_sealed_and_buried(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    made = shipping(inbox.url())
    journal = evidence.journal()
    for number in range(3):
        journal.record_sync(decision(number))
    assert made.standing.behind == 3
    made.attempt()
    assert made.standing.behind == 0
    journal.record_sync(decision(3))
    journal.close()
    evidence.record(4)
    sealer = evidence.sealer(bury=0)
    for _ in range(3):
        assert made.standing.behind == 2
        assert count_behind(evidence.folder, Cursor()) == 5
        sealer.seal()
    made.attempt()
    assert made.standing.behind == 0


def test_a_state_that_cannot_be_read_ships_all_anew(evidence: Evidence) -> None:
    """Twice is better than never."""
    file = StateFile(evidence.folder, "siem")
    assert file.load() == ShippingState()
    file.save(ShippingState(failure="why"))
    assert file.load().failure == "why"
    (evidence.folder.shipping / "siem.json").write_text("{")
    assert file.load() == ShippingState()
