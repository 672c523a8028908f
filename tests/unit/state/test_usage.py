"""Meters and marks: what was used since any time, never too little, whatever is given back and tidied."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StateUnavailable
from gateway.state import Reserved, Settlement, State, Stretch, Subject, UsageStore
from gateway.words import Used

A: Subject = ("agent", "a")
TEAM: Subject = ("team", "t")
NOON = 1_800_000_000 // 86_400 * 86_400 + 43_200
DAYS = [NOON - 43_200 - 86_400 * ago for ago in range(32, -1, -1)]


async def used(store: UsageStore, now: float, *since: float, subject: Subject = A) -> list[Used]:
    """Reserve nothing, to read what a subject used since each time."""
    [found] = await store.count(now, [Reserved((subject,), Used())], [], since)
    return [one.used for one in found[subject]]


async def test_a_reservation_sees_itself_and_those_before_it(state: State) -> None:
    store = UsageStore(state)
    both, team = Reserved((A, TEAM), Used(1, 10, 3)), Reserved((TEAM,), Used(1, 5))
    first, second, third = await store.count(NOON, [both, team, both], [], [NOON - 60])
    assert first[A] == [Stretch(Used(1, 10, 3), NOON + 5)]
    assert [one[TEAM][0].used for one in (first, second, third)] == [
        Used(1, 10, 3),
        Used(2, 15, 3),
        Used(3, 25, 6),
    ]
    assert third[A][0].used == Used(2, 20, 6)


async def test_a_meter_that_is_no_whole_number_any_more_fails(state: State) -> None:
    """As a decimal it would stand still, and no budget would be spent again."""
    store, most = UsageStore(state), Used(0, 2**63 - 1, 2**63 - 1)
    await store.count(NOON, [Reserved((A,), most)], [], [0])
    for one in (Used(0, 1), Used(0, 0, 1)):
        with pytest.raises(StateUnavailable, match="CHECK"):
            await store.count(NOON, [Reserved((A,), one)], [], [0])


async def test_a_stretch_begins_where_it_is_asked_to(state: State) -> None:
    store = UsageStore(state)
    for at in (0, 7, 50):
        await store.count(NOON + at, [Reserved((A,), Used(1))], [], [0])
    assert await used(store, NOON + 50, NOON - 9, NOON + 4, NOON + 5, NOON + 10, NOON + 50) == [
        Used(3),
        Used(3),  # within a mark: all of it
        Used(2),
        Used(1),
        Used(1),
    ]


async def test_what_is_settled_takes_the_place_of_what_was_reserved(state: State) -> None:
    store = UsageStore(state)
    await store.count(NOON, [Reserved((A,), Used(1, 100, 7))], [], [0])
    await store.count(NOON + 70, [], [Settlement((A,), NOON, Used(0, 100, 7), Used(0, 30, 2))], [])
    assert await used(store, NOON + 71, NOON, NOON + 60) == [Used(1, 30, 2), Used(0, 30, 2)]


async def test_what_is_given_back_is_gone_from_every_stretch(state: State) -> None:
    store = UsageStore(state)
    await store.count(NOON, [Reserved((A,), Used(1, 9))], [], [0])
    await store.count(NOON + 30, [Reserved((A,), Used(1))], [], [0])
    await store.count(NOON + 90, [], [Settlement((A,), NOON, Used(1, 9), Used())], [])
    assert await used(store, NOON + 90, NOON - 5, NOON + 20, NOON + 60) == [Used(1), Used(1), Used(0)]


async def test_a_worker_whose_clock_is_behind_hides_nothing(state: State) -> None:
    store = UsageStore(state)
    await store.count(NOON + 10, [Reserved((A,), Used(1))], [], [0])
    await store.count(NOON + 4, [Reserved((A,), Used(1))], [], [0])
    assert await used(store, NOON + 10, NOON - 60, NOON + 10) == [Used(2), Used(2)]


async def test_a_mark_from_the_far_future_is_forgotten(state: State) -> None:
    store = UsageStore(state)
    await store.count(NOON + 90_000, [Reserved((A,), Used(1))], [], [0])
    await store.tidy(NOON, DAYS[0], DAYS)
    await store.count(NOON, [Reserved((A,), Used(1))], [], [0])
    assert await used(store, NOON + 70, NOON + 10) == [Used(0)]


async def test_tidying_forgets_what_no_window_reaches_and_keeps_few_marks(state: State, path: Path) -> None:
    store = UsageStore(state)
    await store.count(DAYS[0] - 9, [Reserved((TEAM,), Used(1))], [], [0])
    for at in range(0, 43_000, 200):
        await store.count(DAYS[-4] + at, [Reserved((A,), Used(1))], [], [0])
    await store.tidy(NOON, DAYS[0], DAYS)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT scope, count(*) FROM usage_marks GROUP BY scope").fetchall() == [
            ("agent", 1)
        ]
        assert connection.execute("SELECT scope, requests FROM usage_counts").fetchall() == [("agent", 215)]
    assert await used(store, NOON, DAYS[-4], DAYS[-3]) == [Used(215), Used(0)]


async def test_tidying_takes_a_few_subjects_at_a_time(
    state: State, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all others nothing is touched, and every one has its turn: as many as end users can be named."""
    monkeypatch.setattr("gateway.state.usage._TIDIED", 4)
    store, people = UsageStore(state), tuple[Subject, ...](("person", f"p{number}") for number in range(9))
    await store.count(DAYS[0] - 9, [Reserved((A, TEAM, *people), Used(1))], [], [0])
    after: Sequence[str] | None = ("", "")
    left = []
    while after is not None:
        after = await store.tidy(NOON, DAYS[0], DAYS, after)
        with sqlite3.connect(path) as connection:
            tables = "usage_counts", "usage_marks"
            left.append([connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables])
    assert left == [[7, 7], [3, 3], [0, 0]]


async def test_no_count_is_made_of_half_a_batch(state: State) -> None:
    store = UsageStore(state)
    await store.count(NOON, [Reserved((A,), Used(1))], [], [0])
    broken: Any = Used("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await store.count(NOON, [Reserved((A,), Used(1)), Reserved((A,), broken)], [], [0])
    assert await used(store, NOON, NOON) == [Used(1)]


async def test_a_database_that_cannot_count_is_unavailable(state: State) -> None:
    with state.write() as connection:
        connection.exec_driver_sql("DROP TABLE usage_marks")
    with pytest.raises(StateUnavailable, match="no such table"):
        await UsageStore(state).count(NOON, [Reserved((A,), Used(1))], [], [0])


@dataclass
class Model:
    """What was counted, event by event."""

    events: list[tuple[float, int]] = field(default_factory=list)

    def since(self, start: float) -> int:
        return sum(count for at, count in self.events if at >= start)


NUMBERS = count()
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "give back", "tidy"]),
        st.sampled_from([0.0, 0.4, 3.0, 5.0, 61.0, 900.0, 7_200.0, 86_400.0]),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_no_stretch_counts_too_little_or_more_than_the_mark_it_begins_in(
    state: State, steps: list[tuple[str, float]]
) -> None:
    """Whatever is reserved, settled, given back and tidied, at whatever times."""
    store, model, now = UsageStore(state), Model(), float(NOON)
    subject: Subject = ("agent", str(next(NUMBERS)))
    open_events: list[tuple[float, int]] = []
    for step, pause in steps:
        now += pause
        if step == "reserve":
            await store.count(now, [Reserved((subject,), Used(1, 10))], [], [0])
            open_events.append((now, 10))
            model.events.append((now, 10))
        elif step == "tidy":
            day = now // 86_400 * 86_400
            await store.tidy(now, day - 32 * 86_400, [day - ago * 86_400 for ago in range(3, -1, -1)])
        elif open_events:
            event = open_events.pop(0)
            back, spent = (Used(0, 10), 4) if step == "settle" else (Used(1, 10), 0)
            await store.count(now, [], [Settlement((subject,), event[0], back, Used(0, spent))], [0])
            model.events.remove(event)
            model.events.append((now, spent))
        today = now // 86_400 * 86_400
        days, windows = (today, today - 86_400), ((60, 5), (86_400, 905), (30 * 86_400, 86_405))
        starts = [*days, *(now - width for width, _ in windows)]
        counted = [one.tokens for one in await used(store, now, *starts, subject=subject)]
        assert counted[:2] == [model.since(day) for day in days], step
        for (width, slack), tokens in zip(windows, counted[2:], strict=True):
            assert model.since(now - width) <= tokens <= model.since(now - width - slack), (step, width)
