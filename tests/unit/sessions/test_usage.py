"""Usage: what each agent used in the last minute and day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StateUnavailable
from gateway.sessions.usage import UsageCounters
from gateway.state import State, UsageStore, open_state
from gateway.words import UsageFacts, Used
from tests.unit.sessions.conftest import Clock


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(tmp_path / "regate.db")
    yield state
    state.close()


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
