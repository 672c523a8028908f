"""Usage: reserved before policy is asked, over all workers, and settled by what was used."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.contract import InputFacts, build_input
from gateway.errors import StateUnavailable
from gateway.sessions import Reservation, UsageCounters, Windows
from gateway.sessions.usage import subjects_of
from gateway.state import State, UsageStore, open_state
from gateway.words import WINDOWS, Agent, Used
from tests.unit.sessions.conftest import Clock

BOT = Agent("bot", "dana", "api_key", ("support", "night"))
OTHER = Agent("other", "kim", "api_key", ("support",), on_behalf_of="Dana ")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(tmp_path / "regate.db")
    yield state
    state.close()


@pytest.fixture
def usage(state: State, clock: Clock) -> UsageCounters:
    return UsageCounters(UsageStore(state), now=clock)


async def tokens(usage: UsageCounters, agent: Agent = BOT) -> tuple[int, int]:
    """What the agent used in the last minute, requests and tokens: one request is made and given back."""
    reservation = usage.reserve(agent)
    used = (await reservation.facts()).agent["1m"]
    usage.settle(reservation, kept=False)
    return used.requests - 1, used.tokens


async def test_a_reservation_is_counted_for_agent_person_and_team(usage: UsageCounters) -> None:
    await usage.reserve(BOT, 10, 0.000_000_2).facts()
    facts = await usage.reserve(OTHER, 5).facts()
    assert {name: (one["1d"].requests, one["1d"].tokens) for name, one in vars_of(facts).items()} == {
        "agent": (1, 5),
        "person": (2, 15),  # the end user, however spelled
        "team": (2, 15),  # the first group
    }
    assert facts.team["month"].cost_micros == 1  # rounded up: small sums add up
    assert [facts.agent[window].turns_in > 0 for window in WINDOWS] == [True] * 5


@pytest.mark.parametrize("spelled", ["Ana  Ferreira", " ANA\tferreira", "ＡＮＡ Ferreira"])
def test_policy_is_told_the_person_whose_usage_is_counted(spelled: str) -> None:
    for agent in (Agent("a", spelled, "api_key"), Agent("a", "kim", "api_key", on_behalf_of=spelled)):
        told = build_input(InputFacts(time=datetime.now(UTC), agent=agent))["agent"]["person"]
        assert ("person", told) == subjects_of(agent)[1] == ("person", "ana ferreira")


async def test_agents_without_a_group_are_one_team(usage: UsageCounters) -> None:
    await usage.reserve(Agent("a", "ann", "api_key")).facts()
    facts = await usage.reserve(Agent("b", "ben", "api_key", ("default",))).facts()
    assert facts.team["1m"].requests == 2


async def test_what_was_used_takes_the_place_of_the_reservation(usage: UsageCounters) -> None:
    reservation = usage.reserve(BOT, 100, 3)
    await reservation.facts()
    usage.settle(reservation, 7, 0.5, kept=True)
    usage.settle(reservation, 700, kept=True)
    facts = await usage.reserve(BOT).facts()
    assert facts.agent["1m"] == Used(2, 7, 500_000, facts.agent["1m"].turns_in)


@pytest.mark.parametrize("absurd", [1e18, 10**26, math.inf])
async def test_one_absurd_amount_hides_nothing_that_is_used_later(
    usage: UsageCounters, clock: Clock, absurd: float
) -> None:
    reservation = usage.reserve(BOT)
    await reservation.facts()
    usage.settle(reservation, int(min(absurd, 1e30)), absurd, kept=True)
    await usage.reserve(BOT).facts()  # it is settled with the next request
    for _ in range(3):
        clock.seconds += 120
        facts = await usage.reserve(BOT, 1_000, 0.5).facts()
        for used in vars_of(facts).values():
            assert (used["1m"].tokens, used["1m"].cost_micros) == (1_000, 500_000)


async def test_what_did_not_go_up_is_given_back(usage: UsageCounters) -> None:
    reservation = usage.reserve(BOT, 100)
    await reservation.facts()
    usage.settle(reservation, 5, kept=False)
    assert await tokens(usage) == (0, 0)


async def test_a_client_that_leaves_while_it_is_counted_gives_back(usage: UsageCounters) -> None:
    """A caller leaves before its usage is written, while it is written, and without asking what was used."""
    early, late = usage.reserve(BOT, 1), usage.reserve(BOT, 2)
    usage.settle(early, kept=False)
    asking = asyncio.create_task(late.facts())
    await asyncio.sleep(0)
    asking.cancel()
    usage.settle(late, kept=False)
    await asyncio.wait([late.counted])
    assert await tokens(usage) == (0, 0)


async def test_windows_slide(usage: UsageCounters, clock: Clock) -> None:
    await usage.reserve(BOT).facts()
    clock.seconds += 66
    facts = await usage.reserve(BOT).facts()
    assert (facts.agent["1m"].requests, facts.agent["1d"].requests) == (1, 2)
    clock.seconds += 86_400 + 900
    facts = await usage.reserve(BOT).facts()
    assert (facts.agent["1d"].requests, facts.agent["1mo"].requests) == (1, 3)


async def test_days_are_those_of_the_time_zone(state: State, clock: Clock) -> None:
    clock.seconds = 1_774_994_340  # on 2026-03-31 it is 23:59 in Berlin, and 21:59 UTC
    berlin, utc = (
        UsageCounters(UsageStore(state), Windows(zone), clock) for zone in ("Europe/Berlin", "UTC")
    )
    await berlin.reserve(BOT).facts()
    clock.seconds += 120
    here, there = await berlin.reserve(BOT).facts(), await utc.reserve(BOT).facts()
    assert [here.agent[window].requests for window in ("day", "month", "1mo")] == [1, 1, 2]
    assert [there.agent[window].requests for window in ("day", "month", "1mo")] == [3, 3, 3]


async def test_workers_count_as_one(state: State, clock: Clock) -> None:
    """However their requests fall together, each sees another count: 60 requests see 1 to 60."""
    workers = [UsageCounters(UsageStore(state), now=clock) for _ in range(3)]
    made = [worker.reserve(BOT) for _ in range(20) for worker in workers]
    seen = [(await one.facts()).agent["1m"].requests for one in made]
    assert sorted(seen) == list(range(1, 61))


async def test_counts_outlive_a_process_that_is_killed(state: State, clock: Clock) -> None:
    """What it had reserved stands, as if it were used, and leaves each window with its time."""
    await UsageCounters(UsageStore(state), now=clock).reserve(BOT, 40).facts()
    survivor = UsageCounters(UsageStore(state), now=clock)
    assert await tokens(survivor) == (1, 40)
    clock.seconds += 66
    assert await tokens(survivor) == (0, 0)


async def test_closing_settles_what_waits(state: State, clock: Clock) -> None:
    usage = UsageCounters(UsageStore(state), now=clock)
    await usage.start()
    reservation = usage.reserve(BOT, 9)
    await reservation.facts()
    usage.settle(reservation, kept=False)
    await usage.close()
    assert await tokens(UsageCounters(UsageStore(state), now=clock)) == (0, 0)


async def test_no_request_goes_on_while_usage_cannot_be_counted(state: State, usage: UsageCounters) -> None:
    reservation = usage.reserve(BOT, 9)
    await reservation.facts()
    rename(state, "usage_counts", "gone")
    failing: list[Reservation] = [usage.reserve(BOT), usage.reserve(BOT)]
    usage.settle(reservation, 4, kept=True)
    for one in failing:
        with pytest.raises(StateUnavailable):
            await one.facts()
        usage.settle(one, kept=False)
    assert "usage_counts" in usage.failure
    rename(state, "gone", "usage_counts")
    assert await tokens(usage) == (1, 4)
    assert usage.failure == ""


async def test_a_failure_is_told_until_requests_may_try_again(
    state: State, usage: UsageCounters, clock: Clock
) -> None:
    rename(state, "usage_counts", "gone")
    with pytest.raises(StateUnavailable):
        await usage.reserve(BOT).facts()
    clock.seconds += 9
    assert usage.failure
    clock.seconds += 1
    assert not usage.failure
    rename(state, "gone", "usage_counts")


def rename(state: State, table: str, name: str) -> None:
    with state.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def vars_of(facts: object) -> dict[str, dict[str, Used]]:
    return {name: getattr(facts, name) for name in ("agent", "person", "team")}
