"""What happens to an approval without a person's word."""

from __future__ import annotations

from gateway.approvals import Approvals
from gateway.approvals.transitions import expire_overdue, give_back, use
from gateway.state import ApprovalStore
from tests.unit.approvals.conftest import Asking, Clock, MemoryJournal, People


async def test_a_yes_is_spent_once_and_given_back(
    asking: Asking, approvals: Approvals, people: People, store: ApprovalStore, journal: MemoryJournal
) -> None:
    """Each move is on record."""
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "")
    with store.write() as rows:
        assert use(rows, journal.record_sync, approval.id, "ex_2")
        assert not use(rows, journal.record_sync, approval.id, "ex_3")
        assert give_back(rows, journal.record_sync, approval.id)
        assert use(rows, journal.record_sync, approval.id, "ex_4")
    assert journal.events == ["requested", "approved", "used", "given_back", "used"]


async def test_an_approval_past_its_time_is_marked(
    asking: Asking, store: ApprovalStore, clock: Clock, journal: MemoryJournal
) -> None:
    """Its contents go."""
    approval = await asking(expires_seconds=60)
    clock.seconds += 61
    with store.write() as rows:
        expire_overdue(rows, journal.record_sync)
        assert rows.shown(approval.id) is None
    assert journal.events[-1] == "expired"
