"""Approvals in the journal."""

from __future__ import annotations

from gateway.approvals.records import record_of
from tests.unit.approvals.conftest import Asking


async def test_a_record_says_what_happened_to_which_approval(asking: Asking) -> None:
    """The status is the code, and details say by whom."""
    approval = await asking()
    record = record_of(approval, "voted", approver="bob")
    assert (record.kind, record.code, record.approval_id) == ("approval", "pending", approval.id)
    assert (record.body["event"], record.body["approver"]) == ("voted", "bob")
    assert (record.agent, record.owner, record.exchange_id) == ("coder", "alice", "ex_1")
