"""Who may say yes, and when it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.approvals import ApprovalClosed, Approvals, MayNotDecide, UnknownApproval, VerdictRefused
from gateway.state import Role

if TYPE_CHECKING:
    from tests.unit.approvals.conftest import Asking, Clock, MemoryJournal, People


async def test_a_yes_names_who_said_it(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal
) -> None:
    approval, bob = await asking(), people("bob")
    decided = await approvals.decide(approval.id, bob, "approve", "ticket 7")
    assert (decided.status, decided.approvers, decided.note) == ("approved", ("bob",), "ticket 7")
    assert decided.facts().approvers == ("bob",)
    record = journal.records[-1]
    assert (record.code, record.approval_id) == ("approved", approval.id)
    assert record.body["approver"] == "bob"
    assert record.body["approver_key"] == bob.id
    assert record.body["note"] == "ticket 7"


async def test_an_admin_may_decide(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking()
    assert (await approvals.decide(approval.id, people("bob", "admin"), "approve", "")).status == "approved"


@pytest.mark.parametrize("role", ["agent", "auditor"])
async def test_other_roles_may_not(asking: Asking, approvals: Approvals, people: People, role: Role) -> None:
    approval = await asking()
    with pytest.raises(MayNotDecide, match=f"role {role}"):
        await approvals.decide(approval.id, people("bob", role), "approve", "")


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE", "ａｌｉｃｅ"])
@pytest.mark.parametrize("verdict", ["approve", "deny"])
async def test_the_owner_of_the_asking_agent_never_decides(
    asking: Asking, approvals: Approvals, people: People, name: str, verdict: str
) -> None:
    approval = await asking()
    for role in ("approver", "admin"):
        with pytest.raises(MayNotDecide, match="owns the key of the asking agent"):
            await approvals.decide(approval.id, people(name, role), verdict, "")  # type: ignore[arg-type]  # both are verdicts


async def test_the_end_user_never_decides(asking: Asking, approvals: Approvals, people: People) -> None:
    agent = replace(asking.binding.agent, on_behalf_of="Carol Doe")
    approval = await asking(replace(asking.binding, agent=agent))
    with pytest.raises(MayNotDecide, match="is the end user"):
        await approvals.decide(approval.id, people("carol  doe"), "approve", "")
    assert (await approvals.decide(approval.id, people("bob"), "approve", "")).status == "approved"


async def test_only_the_named_groups_decide(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking(groups=("leads", "security"))
    for role in ("approver", "admin"):
        with pytest.raises(MayNotDecide, match="leads, security"):
            await approvals.decide(approval.id, people("bob", role, ("default",)), "approve", "")
    carol = people("carol", groups=("default", "security"))
    assert (await approvals.decide(approval.id, carol, "approve", "")).status == "approved"


async def test_a_quorum_counts_people_and_not_keys(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal
) -> None:
    approval = await asking(quorum=2)
    for name in ("bob", "Bob", "bob"):
        decided = await approvals.decide(approval.id, people(name), "approve", "")
        assert (decided.status, len(decided.approvers)) == ("pending", 1)
    assert (await approvals.wait(approval.id, 0)).status == "pending"
    decided = await approvals.decide(approval.id, people("carol"), "approve", "")
    assert (decided.status, decided.approvers) == ("approved", ("bob", "carol"))
    assert journal.events == ["requested", "voted", "voted", "voted", "approved"]


async def test_one_no_is_enough(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking(quorum=2)
    bob = people("bob")
    await approvals.decide(approval.id, bob, "approve", "")
    decided = await approvals.decide(approval.id, bob, "deny", "on second thoughts")
    assert (decided.status, decided.approvers, decided.note) == ("denied", (), "on second thoughts")


async def test_what_is_decided_stays_decided(asking: Asking, approvals: Approvals, people: People) -> None:
    approval, carol = await asking(), people("carol")
    await approvals.decide(approval.id, people("bob"), "deny", "")
    with pytest.raises(ApprovalClosed, match="is denied; expected a pending one"):
        await approvals.decide(approval.id, carol, "approve", "")
    assert (await approvals.list())[0].status == "denied"


async def test_nobody_decides_after_its_time(
    asking: Asking, approvals: Approvals, people: People, clock: Clock
) -> None:
    approval, bob = await asking(expires_seconds=60), people("bob")
    clock.seconds += 60
    with pytest.raises(ApprovalClosed, match="is expired"):
        await approvals.decide(approval.id, bob, "approve", "")


async def test_an_unknown_approval_is_said_to_be_unknown(approvals: Approvals, people: People) -> None:
    with pytest.raises(UnknownApproval, match="ap_none"):
        await approvals.decide("ap_none", people("bob"), "approve", "")


async def test_a_revoked_or_expired_approver_does_not_count(
    asking: Asking, approvals: Approvals, people: People, clock: Clock
) -> None:
    approval = await asking()
    revoked, expired = people("bob"), people("carol", expires_seconds=10)
    people.keys.revoke(revoked.id, clock())
    clock.seconds += 10
    for key in (revoked, expired):
        with pytest.raises(MayNotDecide, match="not active"):
            await approvals.decide(approval.id, key, "approve", "")


async def test_what_a_revoked_agent_key_asked_for_is_not_approved(
    asking: Asking, approvals: Approvals, people: People, clock: Clock
) -> None:
    approval = await asking()
    people.keys.revoke(approval.key_id, clock())
    with pytest.raises(ApprovalClosed, match="revoked"):
        await approvals.decide(approval.id, people("bob"), "approve", "")


@pytest.mark.parametrize("note", ["x" * 2001, "a\x1b[2J", "\ud800"])
async def test_a_note_that_cannot_be_shown_is_refused(
    asking: Asking, approvals: Approvals, people: People, note: str
) -> None:
    approval = await asking()
    with pytest.raises(VerdictRefused, match="note"):
        await approvals.decide(approval.id, people("bob"), "approve", note)
    assert (await approvals.list())[0].approvers == ()
