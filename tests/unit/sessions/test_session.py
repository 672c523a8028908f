"""Sessions and usage counters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.server_key import ServerKey
from gateway.errors import StateUnavailable
from gateway.sessions.session import IDLE_SECONDS, Sessions
from gateway.sessions.usage import UsageCounters
from gateway.state import State, UsageStore, open_state
from gateway.words import SessionFacts, UsageFacts, Used

KEY = ServerKey(bytes(32))
SCOPE = ("ana", "openai", "r1")


class Clock:
    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(tmp_path / "regate.db")
    yield state
    state.close()


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


@given(st.floats(0, IDLE_SECONDS), st.floats(0, 2e9))
def test_a_derived_session_lives_on_while_it_is_used(pause: float, begun: float) -> None:
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


async def test_a_request_counts_at_once(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock)
    assert usage.reserve("a") == UsageFacts(Used(1), Used(1))
    usage.spend("a", 30, 0.25)
    usage.spend("a", -1, -1)
    assert usage.reserve("a") == UsageFacts(Used(2, 30, 250_000), Used(2, 30, 250_000))
    assert usage.reserve("b") == UsageFacts(Used(1), Used(1))


async def test_the_minute_and_the_day_slide(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock)
    usage.reserve("a")
    await usage.flush()
    clock.seconds += 66
    await usage.flush()
    assert usage.reserve("a") == UsageFacts(Used(1), Used(2))
    clock.seconds += 86_400 + 1_800
    await usage.flush()
    assert usage.reserve("a") == UsageFacts(Used(1), Used(1))


async def test_what_is_pending_slides_too(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock)
    usage.reserve("a")
    clock.seconds += 66
    assert usage.reserve("a") == UsageFacts(Used(1), Used(2))


async def test_flushing_counts_nothing_twice(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock)
    for number in range(1, 6):
        assert usage.reserve("a").minute.requests == number
        await usage.flush()
        await usage.flush()


async def test_workers_see_what_others_counted(state: State, clock: Clock) -> None:
    one, two = UsageCounters(UsageStore(state), clock), UsageCounters(UsageStore(state), clock)
    one.reserve("a")
    one.spend("a", 5, 0.000_000_2)  # rounded up: small sums add up too
    await one.flush()
    await two.flush()
    assert two.reserve("a") == UsageFacts(Used(2, 5, 1), Used(2, 5, 1))


async def test_counts_outlive_the_process(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock, flush_seconds=60)
    await usage.start()
    usage.reserve("a")
    await usage.close()
    again = UsageCounters(UsageStore(state), clock)
    await again.start()
    assert again.reserve("a") == UsageFacts(Used(2), Used(2))
    await again.close()


async def test_counting_goes_on_when_the_database_fails(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), clock)
    usage.reserve("a")
    with state.write() as connection:
        connection.exec_driver_sql("ALTER TABLE usage RENAME TO gone")
    with pytest.raises(StateUnavailable):
        await usage.flush()
    assert usage.reserve("a") == UsageFacts(Used(2), Used(2))
    with state.write() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO usage")
    await usage.flush()
    assert usage.reserve("a") == UsageFacts(Used(3), Used(3))
