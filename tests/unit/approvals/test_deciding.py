"""Who may say yes, and when it counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.approvals import (
    ApprovalClosed,
    Approvals,
    Binding,
    MayNotDecide,
    UnknownApproval,
    VerdictRefused,
    still_needed,
)
from gateway.state import Role
from gateway.words import Agent, Delegate, Requirement
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


DPO_AND_SECURITY = (Requirement(("dpo",)), Requirement(("security",)))


async def test_each_requirement_needs_a_person_of_its_own(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal
) -> None:
    approval = await asking(all_of=DPO_AND_SECURITY)
    ana, ben = people("ana", groups=("dpo", "security")), people("ben", groups=("dpo",))
    decided = await approvals.decide(approval.id, ana, "approve", "")
    assert (decided.status, still_needed(decided)) == ("pending", ["1 of security"])
    decided = await approvals.decide(approval.id, ben, "approve", "")
    assert decided.status == "approved"
    assert [(each.groups, each.approvers) for each in decided.progress] == [
        (("dpo",), ("ben",)),
        (("security",), ("ana",)),
    ]
    assert journal.records[-1].body["all_of"] == [
        {"groups": ["dpo"], "count": 1, "approvers": ["ben"]},
        {"groups": ["security"], "count": 1, "approvers": ["ana"]},
    ]
    assert decided.facts().all_of == decided.progress


async def test_people_of_no_required_group_do_not_decide(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking(all_of=DPO_AND_SECURITY)
    for verdict in ("approve", "deny"):
        with pytest.raises(MayNotDecide, match="dpo, security"):
            await approvals.decide(approval.id, people("eve", groups=("ops",)), verdict, "")


async def test_a_larger_quorum_is_of_all_who_agree(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking(quorum=3, all_of=DPO_AND_SECURITY)
    for name, group, needed in (
        ("eve", "ops", ["1 of dpo", "1 of security"]),
        ("ana", "dpo", ["1 of security"]),
    ):
        decided = await approvals.decide(approval.id, people(name, groups=(group,)), "approve", "")
        assert still_needed(decided) == needed
    decided = await approvals.decide(approval.id, people("ben", groups=("security",)), "approve", "")
    assert (decided.status, still_needed(decided)) == ("approved", [])


async def test_the_owner_meets_no_requirement(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking(all_of=DPO_AND_SECURITY)
    with pytest.raises(MayNotDecide, match="owns the key"):
        await approvals.decide(approval.id, people("Alice", groups=("dpo",)), "approve", "")


VOTERS = {
    "ana": ("dpo", "security"),
    "ben": ("dpo",),
    "eve": ("security",),
    "dan": ("ops", "dpo"),
    "joe": ("legal",),
}
ALL_OF = st.lists(
    st.builds(Requirement, st.sampled_from([("dpo",), ("security",), ("legal", "ops")]), st.integers(1, 2)),
    min_size=1,
    max_size=3,
).map(tuple)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(all_of=ALL_OF, votes=st.lists(st.sampled_from(sorted(VOTERS)), max_size=7), number=st.uuids())
async def test_no_order_of_votes_passes_what_is_not_met(
    asking: Asking,
    approvals: Approvals,
    people: People,
    all_of: tuple[Requirement, ...],
    votes: list[str],
    number: object,
) -> None:
    """Tried out: an approval is approved exactly when some of the people who agreed fill all places."""
    approval = await asking(replace(asking.binding, digest=str(number)), all_of=all_of)
    places = [set(each.groups) for each in all_of for _ in range(each.count)]
    agreed: dict[str, None] = {}
    for name in votes:
        try:
            decided = await approvals.decide(approval.id, people(name, groups=VOTERS[name]), "approve", "")
        except MayNotDecide:
            assert not any(place & set(VOTERS[name]) for place in places)
            continue
        agreed[name] = None
        full = any(
            all(place & set(VOTERS[each]) for place, each in zip(places, order, strict=True))
            for order in permutations(agreed, len(places))
        )
        assert (decided.status == "approved") is full
        if full:
            return


async def test_votes_that_race_meet_requirements_once(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal
) -> None:
    approval = await asking(all_of=DPO_AND_SECURITY)
    keys = [people(name, groups=groups) for name, groups in VOTERS.items() if name != "joe"]
    said = await asyncio.gather(
        *(approvals.decide(approval.id, key, "approve", "") for key in keys), return_exceptions=True
    )
    closed = [one for one in said if isinstance(one, ApprovalClosed)]
    assert journal.events.count("approved") == 1
    assert len(closed) + journal.events.count("voted") + 1 == len(keys)


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


async def test_what_an_agent_without_a_key_asked_for_is_approved_by_another_person(
    asking: Asking, approvals: Approvals, people: People, binding: Binding
) -> None:
    """A token or a certificate ends by itself; its owner decides as little as that of a key."""
    proof = (Delegate("eve", "https://id.example", "proved"),)
    agent = Agent("invoices", "alice", "oidc", on_behalf_of="eve", delegation=proof)
    approval = await asking(replace(binding, agent=agent))
    assert approval.delegation == "proved"
    with pytest.raises(MayNotDecide, match="alice owns"):
        await approvals.decide(approval.id, people("alice"), "approve", "")
    assert (await approvals.decide(approval.id, people("bob"), "approve", "")).status == "approved"


@pytest.mark.parametrize("note", ["x" * 2001, "a\x1b[2J", "\ud800"])
async def test_a_note_that_cannot_be_shown_is_refused(
    asking: Asking, approvals: Approvals, people: People, note: str
) -> None:
    approval = await asking()
    with pytest.raises(VerdictRefused, match="note"):
        await approvals.decide(approval.id, people("bob"), "approve", note)
    assert (await approvals.list())[0].approvers == ()
