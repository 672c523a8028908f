"""Sessions: what an agent did before in one conversation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.config import ServerKey
from gateway.sessions.session import IDLE_SECONDS, Sessions
from gateway.words import SessionFacts
from tests.unit.sessions.conftest import Clock

KEY = ServerKey(bytes(32))
SCOPE = ("ana", "openai", "r1")


def test_a_named_session_is_the_same_for_ever_and_everywhere(clock: Clock) -> None:
    first = Sessions(KEY, clock).enter("a", "run-1", "hello").id
    clock.seconds += 10 * IDLE_SECONDS
    assert Sessions(KEY, clock).enter("a", "run-1", "something else").id == first
    assert "run-1" not in first


def test_agents_never_share_a_session(clock: Clock) -> None:
    sessions = Sessions(KEY, clock)
    assert sessions.enter("a", "run-1", "").id != sessions.enter("b", "run-1", "").id
    assert sessions.enter("a", None, "hello").id != sessions.enter("b", None, "hello").id


def test_a_name_is_not_mistaken_for_a_first_message(clock: Clock) -> None:
    sessions = Sessions(KEY, clock)
    assert sessions.enter("a", "hello", "").id != sessions.enter("a", None, "hello").id


def test_a_blank_name_is_no_name(clock: Clock) -> None:
    sessions = Sessions(KEY, clock)
    assert sessions.enter("a", " ", "hello") is sessions.enter("a", None, "hello")


@given(st.integers(0, int(IDLE_SECONDS)), st.integers(0, 2_000_000_000))  # whole: sums of others are rounded
def test_a_derived_session_lives_on_while_it_is_used(pause: int, begun: int) -> None:
    clock = Clock(begun)
    sessions = Sessions(KEY, clock)
    session = sessions.enter("a", None, "hello")
    for _ in range(5):
        clock.seconds = min(clock.seconds + pause, session.last_seen + IDLE_SECONDS)
        assert sessions.enter("a", None, "hello") is session


@given(st.floats(IDLE_SECONDS + 0.001, 1e6), st.floats(0, 2e9))
def test_a_derived_session_ends_after_half_an_hour_of_silence(pause: float, begun: float) -> None:
    clock = Clock(begun)
    sessions = Sessions(KEY, clock)
    session = sessions.enter("a", None, "hello")
    session.mark_forwarded(SCOPE, ["d1"])
    clock.seconds += pause
    later = sessions.enter("a", None, "hello")
    assert later.id != session.id
    assert later.seen(SCOPE) == set()


def test_workers_that_begin_within_the_same_half_hour_agree(clock: Clock) -> None:
    first = Sessions(KEY, clock).enter("a", None, "hello").id
    clock.seconds += 60
    assert Sessions(KEY, clock).enter("a", None, "hello").id == first


def test_a_lone_surrogate_names_a_session_too(clock: Clock) -> None:
    assert Sessions(KEY, clock).enter("a", None, "\ud800").id.startswith("se_")


def test_facts_add_up_over_exchanges(clock: Clock) -> None:
    session = Sessions(KEY, clock).enter("a", None, "hello")
    assert session.facts() == SessionFacts()
    session.count("allow", 100)
    session.count("mask", 50, ["PHONE_NUMBER", "EMAIL_ADDRESS"])
    session.count("require_approval", -1)
    session.count("deny", entities=["EMAIL_ADDRESS"])
    assert session.facts() == SessionFacts(
        exchanges=4, denied=1, masked=1, held=1, tokens=150, entities=("EMAIL_ADDRESS", "PHONE_NUMBER")
    )


def test_what_a_scope_forwarded_is_seen_in_that_scope_and_session_only(clock: Clock) -> None:
    sessions = Sessions(KEY, clock)
    session = sessions.enter("a", None, "hello")
    assert session.seen(SCOPE) == set()
    session.mark_forwarded(SCOPE, ["d1"])
    assert session.seen(SCOPE) == {"d1"}
    assert session.seen(("ben", "openai", "r1")) == set()
    assert sessions.enter("a", None, "goodbye").seen(SCOPE) == set()


def test_the_longest_unused_session_is_forgotten_first(clock: Clock) -> None:
    sessions = Sessions(KEY, clock, sessions=2)
    for name in ("s1", "s2", "s1", "s3"):
        sessions.enter("a", name, "").mark_forwarded(SCOPE, [name])
    assert sessions.enter("a", "s1", "").seen(SCOPE) == {"s1"}
    assert sessions.enter("a", "s2", "").seen(SCOPE) == set()


def test_what_is_remembered_is_bounded_over_all_sessions(clock: Clock) -> None:
    sessions = Sessions(KEY, clock, digests=10)
    for number in range(5):
        session = sessions.enter("a", f"s{number}", "")
        for part in range(4):  # each scope counts
            session.mark_forwarded((f"r{part}",), [f"{number}"])
    assert sessions.enter("a", "s4", "").seen(("r0",)) == {"4"}
    assert sessions.enter("a", "s0", "").seen(("r0",)) == set()


def test_one_session_alone_is_bounded_too(clock: Clock) -> None:
    sessions = Sessions(KEY, clock, digests=10)
    session = sessions.enter("a", "s", "")
    session.mark_forwarded(SCOPE, (str(part) for part in range(11)))
    sessions.enter("a", "s", "")
    assert session.seen(SCOPE) == set()
    session.mark_forwarded(SCOPE, ["0"])  # its exchange may still hold it
    sessions.enter("a", "s", "").mark_forwarded(SCOPE, (str(part) for part in range(9)))
    assert "8" in sessions.enter("a", "s", "").seen(SCOPE)
