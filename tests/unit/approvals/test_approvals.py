"""Approvals from the asking to the use."""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.approvals import Approvals, Binding
from gateway.approvals.transitions import MAX_PENDING, SUMMARY_CHARACTERS, cancel_open
from gateway.audit.files.record import Record
from gateway.config.server_key import ServerKey
from gateway.errors import ApprovalRequired, PolicyDenied, RecordingFailed, StateUnavailable
from gateway.state import ApprovalStore, KeyRow, Keys, State
from gateway.words import Requirement

if TYPE_CHECKING:
    from tests.unit.approvals.conftest import Asking, Clock, MemoryJournal, People


async def test_a_hold_is_pending_and_says_what_for(asking: Asking, journal: MemoryJournal) -> None:
    approval = await asking(groups=("leads",), quorum=2)
    assert approval.status == "pending"
    assert (approval.agent, approval.owner, approval.path) == ("coder", "alice", "/v1/chat/completions")
    assert (approval.groups, approval.quorum) == (("leads",), 2)
    assert approval.reasons[0]["rule"] == "bulk"
    (record,) = journal.records
    assert (record.kind, record.code, record.approval_id) == ("approval", "pending", approval.id)
    assert record.body["event"] == "requested"
    assert record.body["summary"] == "user: <EMAIL_ADDRESS_abc234>"


async def test_an_identical_request_joins_the_pending_approval(
    asking: Asking, journal: MemoryJournal
) -> None:
    first, second = await asyncio.gather(asking(), asking())
    assert first == second
    assert journal.events == ["requested"]


async def test_whatever_differs_is_another_approval(asking: Asking) -> None:
    bindings = [asking.binding]
    for field in fields(Binding):
        if field.name == "agent":
            changes = [{"id": "other"}, {"owner": "other"}, {"on_behalf_of": "other"}]
            bindings += [replace(asking.binding, agent=replace(asking.binding.agent, **c)) for c in changes]
        else:
            bindings.append(
                replace(asking.binding, **{field.name: "response" if field.name == "phase" else "x"})
            )
    assert len({(await asking(binding)).id for binding in bindings}) == len(bindings) == 10


async def test_another_key_of_the_same_agent_joins(asking: Asking) -> None:
    rotated = replace(asking.binding, agent=replace(asking.binding.agent, key_id="another"))
    assert (await asking()).id == (await asking(rotated)).id


async def test_an_approved_hold_passes_once(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "fine")
    again = await asking()
    assert (again.id, again.status, again.approvers, again.note) == (
        approval.id,
        "approved",
        ("bob",),
        "fine",
    )
    assert await approvals.use(approval.id)
    assert not await approvals.use(approval.id)
    assert (await asking()).id != approval.id


async def test_policy_hears_who_approved_in_which_groups_and_for_which_revision(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking(quorum=2)
    await approvals.decide(approval.id, people("bob", groups=("ops", "late shift")), "approve", "fine")
    await approvals.decide(approval.id, people("eve", groups=("ops", "legal")), "approve", "")
    facts = (await asking(quorum=2)).facts()

    assert (facts.status, facts.approvers, facts.quorum, facts.revision) == (
        "approved",
        ("bob", "eve"),
        2,
        "r1",
    )
    assert facts.groups == ("late shift", "legal", "ops")


@pytest.mark.parametrize(
    ("given", "asked", "stands"),
    [
        ({}, {"quorum": 2}, False),
        ({}, {"groups": ("security",)}, False),
        ({"groups": ("security", "ops")}, {"groups": ("security",)}, False),
        ({"groups": ("ops",)}, {"groups": ("security",)}, False),
        ({"quorum": 2}, {"quorum": 1}, True),
        ({"groups": ("security",)}, {}, True),
        ({"groups": ("security",)}, {"groups": ("security", "ops")}, True),
        ({}, {"wait_seconds": 1, "expires_seconds": 1}, True),
        ({}, {"all_of": (Requirement(("ops",)),)}, False),
        ({"all_of": (Requirement(("ops", "dpo")),)}, {"all_of": (Requirement(("ops",)),)}, False),
        ({"all_of": (Requirement(("ops",)),)}, {}, True),
        ({"all_of": (Requirement(("ops",), 2),)}, {"all_of": (Requirement(("ops", "dpo")),)}, True),
    ],
)
@pytest.mark.parametrize("status", ["pending", "approved"])
async def test_an_approval_on_weaker_terms_than_those_asked_for_is_canceled(
    asking: Asking,
    approvals: Approvals,
    people: People,
    journal: MemoryJournal,
    given: dict[str, object],
    asked: dict[str, object],
    stands: bool,
    status: str,
) -> None:
    first = await asking(**given)
    if status == "approved":
        for name in ("bob", "eve"):
            if (found := await approvals.read(first.id)) and found.status == "pending":
                await approvals.decide(first.id, people(name, groups=("ops", "security")), "approve", "")
    second = await asking(**asked)
    found = await approvals.read(first.id)

    assert found is not None
    assert (second.id == first.id) is stands
    assert found.status == (status if stands else "cancelled")
    assert ("cancelled" in journal.events) is not stands


async def test_all_that_stands_on_weaker_terms_is_canceled(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    first = await asking()
    await approvals.decide(first.id, people("bob"), "approve", "")
    await approvals.use(first.id)
    second = await asking()
    await approvals.give_back(first.id)
    third = await asking(quorum=2)

    assert third.status == "pending"
    assert {one.id for one in await approvals.list(status="cancelled")} == {first.id, second.id}


async def test_nothing_but_an_approved_one_is_used(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking()
    assert not await approvals.use(approval.id)
    assert not await approvals.use("ap_unknown")
    await approvals.decide(approval.id, people("bob"), "deny", "")
    assert not await approvals.use(approval.id)


async def test_many_that_use_one_approval_at_once_are_one(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "")
    assert sum(await asyncio.gather(*(approvals.use(approval.id) for _ in range(20)))) == 1


async def test_a_use_is_given_back_three_times(asking: Asking, approvals: Approvals, people: People) -> None:
    approval = await asking()
    assert not await approvals.give_back(approval.id)
    await approvals.decide(approval.id, people("bob"), "approve", "")
    for _ in range(3):
        assert await approvals.use(approval.id)
        assert await approvals.give_back(approval.id)
        assert not await approvals.give_back(approval.id)
    assert await approvals.use(approval.id)
    assert not await approvals.give_back(approval.id)


async def test_what_was_given_back_passes_before_a_newer_question(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "")
    await approvals.use(approval.id)
    newer = await asking()
    assert newer.status == "pending"
    assert await approvals.give_back(approval.id)
    assert (await asking()).id == approval.id


async def test_time_closes_an_approval(
    asking: Asking, approvals: Approvals, people: People, clock: Clock, journal: MemoryJournal
) -> None:
    approval = await asking(expires_seconds=60)
    await approvals.decide(approval.id, people("bob"), "approve", "")
    await approvals.use(approval.id)
    clock.seconds += 60
    assert not await approvals.give_back(approval.id)

    second = await asking(expires_seconds=60)
    await approvals.decide(second.id, people("bob"), "approve", "")
    clock.seconds += 59
    assert (await asking()).id == second.id
    clock.seconds += 1
    expired = await approvals.read(second.id)
    assert expired is not None
    assert expired.status == "expired"
    assert not await approvals.use(second.id)
    assert [one.id for one in await approvals.list(status="expired")] == [second.id]
    assert await approvals.list(status="approved") == ()

    third = await asking()
    assert third.status == "pending"
    assert journal.events[-2:] == ["expired", "requested"]


async def test_expiry_is_written_down_when_nobody_asks(
    asking: Asking,
    approvals: Approvals,
    clock: Clock,
    journal: MemoryJournal,
    response: Binding,
    store: ApprovalStore,
) -> None:
    await approvals.start()
    approval = await asking(response, completion=b"the answer", expires_seconds=60)
    clock.seconds += 60
    for _ in range(200):
        if "expired" in journal.events:
            break
        await asyncio.sleep(0.02)
    assert journal.events == ["requested", "expired"]
    assert journal.records[-1].code == "expired"
    await asyncio.sleep(0.05)
    with store.read() as rows:
        assert rows.completion(approval.id) is None


async def test_the_sweeper_outlives_a_broken_journal(
    asking: Asking,
    approvals: Approvals,
    clock: Clock,
    journal: MemoryJournal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await approvals.start()
    await asking(expires_seconds=60)
    journal.broken = True
    clock.seconds += 60
    async with asyncio.timeout(60):
        while "expired approvals not written down" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    journal.broken = False
    for _ in range(200):
        if "expired" in journal.events:
            break
        await asyncio.sleep(0.02)
    assert journal.events == ["requested", "expired"]


async def test_a_wait_ends_soon_after_the_decision(
    asking: Asking, approvals: Approvals, people: People
) -> None:
    approval, bob = await asking(), people("bob")
    waiting = [asyncio.create_task(approvals.wait(approval.id, 30)) for _ in range(10)]
    await asyncio.sleep(0.05)
    begun = time.monotonic()
    await approvals.decide(approval.id, bob, "approve", "")
    assert {one.status for one in await asyncio.gather(*waiting)} == {"approved"}
    assert time.monotonic() - begun < 1


async def test_a_wait_that_runs_out_leaves_it_pending(asking: Asking, approvals: Approvals) -> None:
    approval = await asking()
    assert (await approvals.wait(approval.id, 0.05)).status == "pending"
    assert (await approvals.wait(approval.id, 0)).status == "pending"


async def test_a_wait_ends_when_the_approval_expires(
    asking: Asking, approvals: Approvals, clock: Clock
) -> None:
    approval = await asking(expires_seconds=60)
    waiting = asyncio.create_task(approvals.wait(approval.id, 30))
    await asyncio.sleep(0.05)
    clock.seconds += 60
    assert (await waiting).status == "expired"


async def test_a_caller_that_leaves_does_not_cancel_the_approval(
    asking: Asking, approvals: Approvals
) -> None:
    approval = await asking()
    waiting = asyncio.create_task(approvals.wait(approval.id, 30))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await approvals.list(status="pending"))[0].id == approval.id


async def test_who_finds_no_place_to_wait_does_not_wait(
    store: ApprovalStore, journal: MemoryJournal, asking: Asking
) -> None:
    crowded = Approvals(store, journal, ServerKey(bytes(32)), max_waiting=1)
    approval = await asking()
    both = [asyncio.create_task(crowded.wait(approval.id, 60)) for _ in range(2)]
    left, staying = await asyncio.wait(both, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    assert len(left) == len(staying) == 1
    await crowded.close()
    assert {(await task).status for task in both} == {"pending"}


async def test_an_agent_that_asks_too_much_is_refused(
    asking: Asking, approvals: Approvals, clock: Clock
) -> None:
    for number in range(MAX_PENDING):
        await asking(replace(asking.binding, digest=f"d{number}"), expires_seconds=60)
    with pytest.raises(PolicyDenied, match="coder has 100 approvals pending"):
        await asking(replace(asking.binding, digest="one more"))
    other = replace(asking.binding.agent, id="other")
    assert (await asking(replace(asking.binding, agent=other))).status == "pending"
    clock.seconds += 60
    assert (await asking(replace(asking.binding, digest="one more"))).status == "pending"


async def test_a_long_summary_is_cut_and_says_so(asking: Asking) -> None:
    approval = await asking(summary="user: " + "x" * (SUMMARY_CHARACTERS + 1))
    assert approval.summary.endswith("[… 7 more characters]")
    assert (await asking(replace(asking.binding, digest="d2"), summary="user: \ud800")).summary == "user: ?"


async def test_a_held_completion_is_handed_over_after_approval_only(
    asking: Asking, approvals: Approvals, people: People, response: Binding
) -> None:
    approval = await asking(response, completion=b"the answer")
    assert approval.completion_digest
    assert await approvals.held_completion(response) is None
    await approvals.decide(approval.id, people("bob"), "approve", "")
    held = await approvals.held_completion(response)
    assert held is not None
    assert (held[0].id, held[1]) == (approval.id, b"the answer")
    assert await approvals.use(approval.id)
    assert await approvals.held_completion(response) is None
    assert not await approvals.give_back(approval.id)


async def test_an_empty_completion_is_held_too(
    asking: Asking, approvals: Approvals, people: People, response: Binding
) -> None:
    approval = await asking(response, completion=b"")
    await approvals.decide(approval.id, people("bob"), "approve", "")
    held = await approvals.held_completion(response)
    assert held is not None
    assert held[1] == b""


async def test_a_request_hold_has_no_completion(
    asking: Asking, approvals: Approvals, people: People, binding: Binding
) -> None:
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "")
    assert await approvals.held_completion(binding) is None


@pytest.mark.parametrize("verdict", ["none", "approve"])
async def test_a_yes_to_one_completion_never_lets_another_pass(
    asking: Asking, approvals: Approvals, people: People, response: Binding, verdict: str
) -> None:
    first = await asking(response, completion=b"the answer")
    if verdict == "approve":
        await approvals.decide(first.id, people("bob"), "approve", "")
    assert (await asking(response, completion=b"the answer")).id == first.id
    for other in (b"another answer", None):
        with pytest.raises(ApprovalRequired) as refusal:
            await asking(response, completion=other)
        assert refusal.value.extra["approval_id"] == first.id


async def test_a_completion_is_encrypted_at_rest_and_wiped_after_use(
    asking: Asking, approvals: Approvals, people: People, response: Binding, store: ApprovalStore, path: Path
) -> None:
    for digest, ending in (("d1", "use"), ("d2", "deny"), ("d3", "cancel")):
        binding = replace(response, digest=digest)
        approval = await asking(binding, completion=b"a very secret answer")
        with store.read() as rows:
            assert rows.completion(approval.id) is not None
        if ending == "use":
            await approvals.decide(approval.id, people("bob"), "approve", "")
            await approvals.use(approval.id)
        elif ending == "deny":
            await approvals.decide(approval.id, people("bob"), "deny", "")
        else:
            await approvals.cancel_open(binding.agent.key_id)
        with store.read() as rows:
            assert rows.completion(approval.id) is None
    assert all(b"secret answer" not in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.parametrize("change", ["swap", "cut", "digest"])
async def test_a_completion_that_was_tampered_with_is_refused(
    asking: Asking, approvals: Approvals, people: People, response: Binding, state: State, change: str
) -> None:
    approval = await asking(response, completion=b"the answer")
    other = await asking(replace(response, digest="d2"), completion=b"another")
    await approvals.decide(approval.id, people("bob"), "approve", "")
    statement = {
        "swap": "completion = (SELECT completion FROM approvals WHERE id = :other)",
        "cut": "completion = substr(completion, 1, 10)",
        "digest": "completion_digest = (SELECT completion_digest FROM approvals WHERE id = :other)",
    }[change]
    with state.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE approvals SET {statement.replace(':other', repr(other.id))} WHERE id = '{approval.id}'"
        )
    with pytest.raises(StateUnavailable, match="held for"):
        await approvals.held_completion(response)


async def test_another_server_key_opens_nothing(
    asking: Asking,
    approvals: Approvals,
    people: People,
    response: Binding,
    store: ApprovalStore,
    journal: MemoryJournal,
) -> None:
    approval = await asking(response, completion=b"the answer")
    await approvals.decide(approval.id, people("bob"), "approve", "")
    other = Approvals(store, journal, ServerKey(b"1" * 32))
    assert await other.held_completion(response) is None


async def test_the_record_is_durable_before_anything_takes_effect(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal, store: ApprovalStore
) -> None:
    seen: list[tuple[str, str]] = []

    def look(record: Record) -> None:
        with store.read() as rows:
            present = rows.read(record.approval_id)
        seen.append((record.body["event"], present.status if present else "absent"))

    journal.before = look
    approval = await asking()
    await approvals.decide(approval.id, people("bob"), "approve", "")
    await approvals.use(approval.id)
    await approvals.give_back(approval.id)
    await approvals.cancel_open(asking.binding.agent.key_id)
    assert seen == [
        ("requested", "absent"),
        ("approved", "pending"),
        ("used", "approved"),
        ("given_back", "used"),
        ("cancelled", "approved"),
    ]


async def test_what_cannot_be_recorded_does_not_happen(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal
) -> None:
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await asking()
    journal.broken = False
    approval, bob = await asking(), people("bob")
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await approvals.decide(approval.id, bob, "approve", "")
    journal.broken = False
    assert (await approvals.list())[0].status == "pending"
    await approvals.decide(approval.id, bob, "approve", "")
    journal.broken = True
    with pytest.raises(RecordingFailed):
        await approvals.use(approval.id)
    journal.broken = False
    assert await approvals.use(approval.id)


async def test_a_broken_database_is_never_a_yes(asking: Asking, approvals: Approvals, state: State) -> None:
    approval = await asking()
    with state.write() as connection:
        connection.exec_driver_sql("DROP TABLE votes")
        connection.exec_driver_sql("DROP TABLE approvals")
    for attempt in (asking(), approvals.use(approval.id), approvals.wait(approval.id, 0.1)):
        with pytest.raises(StateUnavailable):
            await attempt


async def test_revoking_a_key_cancels_what_it_asked_for(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal, store: ApprovalStore
) -> None:
    pending = await asking()
    approved = await asking(replace(asking.binding, digest="d2"))
    used = await asking(replace(asking.binding, digest="d3"))
    bob = people("bob")
    for one in (approved, used):
        await approvals.decide(one.id, bob, "approve", "")
    await approvals.use(used.id)
    others = replace(asking.binding, agent=replace(asking.binding.agent, id="other", key_id="other"))
    other = await asking(others)

    with store.write() as rows:
        assert cancel_open(rows, journal.record_sync, asking.binding.agent.key_id) == 2
    statuses = {one.id: one.status for one in await approvals.list()}
    assert statuses == {
        pending.id: "cancelled",
        approved.id: "cancelled",
        used.id: "used",
        other.id: "pending",
    }
    assert journal.events[-2:] == ["cancelled", "cancelled"]


async def test_revoking_an_approvers_key_takes_back_what_it_agreed_to(
    asking: Asking, approvals: Approvals, people: People, journal: MemoryJournal, clock: Clock
) -> None:
    """A stolen key agrees quickly: to what waits for another person, and to what is not used yet."""
    stolen, bob, eve = people("kim"), people("bob"), people("eve")

    async def agreed(quorum: int, *who: KeyRow) -> str:
        one = await asking(replace(asking.binding, digest=f"{quorum} {len(who)}"), quorum=quorum)
        for person in who:
            await approvals.decide(one.id, person, "approve", "")
        return one.id

    alone, waiting, both = await agreed(1, stolen), await agreed(2, stolen), await agreed(2, stolen, bob)
    used = await agreed(3, stolen, bob, eve)
    assert await approvals.use(used)

    people.keys.revoke(stolen.id, clock())
    assert not await approvals.use(alone)  # whether or not the next step could be recorded
    assert await approvals.cancel_open(stolen.id) == 2
    assert sorted(journal.events[-3:]) == ["cancelled", "cancelled", "vote_dropped"]
    statuses = {one.id: one.status for one in await approvals.list()}
    assert statuses == {alone: "cancelled", waiting: "pending", both: "cancelled", used: "used"}
    assert not await approvals.give_back(used)
    assert (await approvals.decide(waiting, bob, "approve", "")).status == "pending"
    assert (await approvals.decide(waiting, eve, "approve", "")).status == "approved"
    assert await approvals.use(waiting)


async def test_an_open_approval_is_found_by_its_binding(
    asking: Asking, approvals: Approvals, state: State, binding: Binding
) -> None:
    assert await approvals.find(binding) is None
    approval = await asking()
    assert await approvals.find(binding) == approval
    assert [one.id for one in await approvals.list(agent="coder")] == [approval.id]
    assert await approvals.list(agent="other") == ()
    assert Keys(state).find(approval.key_id) is not None
