"""Approvals as people see and decide them, without a server key."""

from __future__ import annotations

import pytest

from gateway.approvals import ApprovalBook
from gateway.errors import RecordingFailed
from gateway.state import ApprovalStore
from tests.unit.approvals.conftest import Asking, MemoryJournal, People


@pytest.fixture
def book(store: ApprovalStore, journal: MemoryJournal) -> ApprovalBook:
    return ApprovalBook(store, journal)


async def test_what_is_pending_is_listed_and_decided(
    book: ApprovalBook, asking: Asking, people: People, journal: MemoryJournal
) -> None:
    """The verdict is on record before it counts."""
    approval = await asking()
    assert [one.id for one in await book.list(status="pending")] == [approval.id]
    decided = await book.decide(approval.id, people("bob"), "approve", "ticket 7")
    assert (decided.status, decided.approvers) == ("approved", ("bob",))
    assert await book.read(approval.id) == decided
    assert journal.events == ["requested", "approved"]


async def test_a_verdict_that_cannot_be_recorded_does_not_count(
    book: ApprovalBook, asking: Asking, people: People, journal: MemoryJournal
) -> None:
    """The approval stays pending."""
    approval = await asking()
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await book.decide(approval.id, people("bob"), "approve", "")
    assert [one.status for one in await book.list()] == ["pending"]


async def test_what_a_revoked_key_asked_for_is_canceled(book: ApprovalBook, asking: Asking) -> None:
    """Once."""
    await asking()
    assert await book.cancel_open(asking.binding.agent.key_id) == 1
    assert await book.cancel_open(asking.binding.agent.key_id) == 0
    assert [one.status for one in await book.list()] == ["cancelled"]
