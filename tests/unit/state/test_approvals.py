"""Approvals as rows: who wins a move, what time closes, and what is kept of one that has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StateUnavailable
from gateway.state import Approval, ApprovalStore, KeyRow, State, open_state

START = 1_800_000_000.0
PENDING = Approval(
    id="ap_1",
    status="pending",
    agent="coder",
    owner="ana",
    on_behalf_of="",
    key_id="k1",
    method="POST",
    path="/v1/chat/completions",
    query="",
    provider="openai",
    revision="r1",
    phase="request",
    digest="d1",
    exchange_id="ex_1",
    session_id="se_1",
    reasons=({"rule": "bulk"},),
    summary="user: hello",
    groups=("default",),
    quorum=2,
    created_at=START,
    expires_at=START + 60,
)


class Clock:
    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(state: State, clock: Clock) -> ApprovalStore:
    return ApprovalStore(state, clock)


@pytest.fixture
def ask(store: ApprovalStore) -> Callable[..., Approval]:
    """Asks for an approval with something to show and a held completion; fields may differ."""

    def inserted(binding: str = "b1", **fields: Any) -> Approval:
        approval = replace(PENDING, **fields)
        with store.write() as rows:
            rows.insert(approval, binding, b"completion")
            rows.show(approval.id, "digest", b"document")
        return approval

    return inserted


Ask = Callable[..., Approval]


def voter(owner: str, *groups: str) -> KeyRow:
    return KeyRow(f"key of {owner}", b"", "desk", owner, groups, "approver", False, START)


def test_an_approval_comes_back_as_it_was_put_in(store: ApprovalStore, ask: Ask) -> None:
    asked = ask()
    with store.read() as rows:
        assert rows.read("ap_1") == asked
        assert rows.read("ap_2") is None
        assert (rows.shown("ap_1"), rows.shown_digest("ap_1")) == (b"document", "digest")
        assert rows.completion("ap_1") == b"completion"
        assert rows.shown_bytes("ana") == len(b"document")


def test_a_move_from_a_status_is_made_once(store: ApprovalStore, ask: Ask, path: Path) -> None:
    """Two processes try: the second finds another status."""
    ask()
    other = open_state(path)
    try:
        with store.write() as rows:
            assert rows.move("ap_1", "pending", "approved", decided_at=START)
        with ApprovalStore(other, lambda: START).write() as rows:
            assert not rows.move("ap_1", "pending", "denied")
            assert rows.statuses(["ap_1", "ap_2"]) == {"ap_1": "approved"}
    finally:
        other.close()


def test_an_approval_that_ends_keeps_neither_what_was_shown_nor_its_completion(
    store: ApprovalStore, ask: Ask
) -> None:
    """A yes is no end: it is still to be used."""
    ask()
    with store.write() as rows:
        rows.move("ap_1", "pending", "approved")
        assert (rows.shown("ap_1"), rows.completion("ap_1")) == (b"document", b"completion")
        rows.move("ap_1", "approved", "used", used_at=START)
        assert (rows.shown("ap_1"), rows.shown_digest("ap_1"), rows.completion("ap_1")) == (None, "", None)


def test_time_closes_an_open_approval_before_its_row_says_so(
    store: ApprovalStore, ask: Ask, clock: Clock
) -> None:
    """Its last second counts as over; marking it is done once."""
    ask()
    clock.seconds += 60
    with store.write() as rows:
        assert [one.status for one in rows.matching(status="expired")] == ["expired"]
        assert rows.matching(status="pending") == ()
        assert rows.find("b1", "pending") is None
        assert rows.pending_of(agent="coder") == 0
        assert not rows.move("ap_1", "pending", "approved")
        assert (rows.overdue(10), rows.overdue(10, "b2")) == (("ap_1",), ())
        assert rows.expire("ap_1")
        assert not rows.expire("ap_1")
        assert (rows.overdue(10), rows.shown("ap_1"), rows.completion("ap_1")) == ((), None, None)


def test_the_newest_are_listed_oldest_first_and_the_oldest_is_found(store: ApprovalStore, ask: Ask) -> None:
    for number in (2, 1, 3):
        ask(id=f"ap_{number}", created_at=START + number)
        with store.write() as rows:
            rows.move(f"ap_{number}", "pending", "approved")
    ask("b2", id="ap_4", agent="writer", owner="ben")
    with store.read() as rows:
        assert [one.id for one in rows.matching(agent="coder", limit=2)] == ["ap_2", "ap_3"]
        found = rows.find("b1", "approved")
        assert found is not None
        assert found.id == "ap_1"
        assert rows.find("b1", "pending") is None
        assert (rows.pending_of(agent="coder"), rows.pending_of(owner="ben")) == (0, 1)


def test_a_binding_has_one_pending_approval(store: ApprovalStore, ask: Ask) -> None:
    """The second of two processes that ask at once is refused by the file itself."""
    ask()
    with pytest.raises(StateUnavailable, match="UNIQUE"):
        ask(id="ap_2")
    with store.read() as rows:
        assert rows.statuses(["ap_1", "ap_2"]) == {"ap_1": "pending"}


def test_a_person_has_one_vote_and_the_last_word_counts(store: ApprovalStore, ask: Ask, clock: Clock) -> None:
    ask()
    with store.write() as rows:
        rows.vote("ap_1", "bob", voter("bob", "default"), "deny", "wait")
    clock.seconds += 1
    with store.write() as rows:
        rows.vote("ap_1", "carol", voter("carol", "security", "default"), "approve", "fine")
    clock.seconds += 1
    with store.write() as rows:
        rows.vote("ap_1", "bob", voter("bob", "default"), "approve", "now fine")
        found = rows.read("ap_1")
    assert found is not None
    assert (found.approvers, found.note) == (("carol", "bob"), "now fine")
    assert found.facts().groups == ("default", "security")


def test_an_exception_undoes_the_whole_block(store: ApprovalStore, ask: Ask) -> None:
    def deny_and_break() -> None:
        with store.write() as rows:
            assert rows.move("ap_1", "pending", "denied")
            rows.insert(PENDING, "b2", None)  # its id is taken

    ask()
    with pytest.raises(StateUnavailable):
        deny_and_break()
    with store.read() as rows:
        assert rows.statuses(["ap_1"]) == {"ap_1": "pending"}
        assert rows.shown("ap_1") == b"document"


def test_what_ended_is_forgotten_and_what_is_open_is_counted(store: ApprovalStore, ask: Ask) -> None:
    """Of one session or one agent; others keep theirs."""
    ask(id="ap_ended")
    ask("b2", id="ap_open", phase="response")
    ask("b3", id="ap_other", session_id="se_2", agent="writer")
    with store.write() as rows:
        for ended in ("ap_ended", "ap_other"):
            rows.move(ended, "pending", "denied")
        assert rows.forget(session="se_1", agent="") == (1, 1)
        kept = {one.id: one.summary for one in rows.matching()}
        assert kept == {"ap_ended": "", "ap_open": "user: hello", "ap_other": "user: hello"}
        assert rows.open_of_key("k1") == ("ap_open",)
        assert rows.agents_with_completions() == {"coder"}
        assert rows.forget(session="", agent="writer") == (1, 0)
