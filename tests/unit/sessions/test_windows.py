"""Windows slide, or are days and months of one time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from gateway.sessions import Windows
from gateway.words import WINDOWS


def at(zone: str, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("zone", "now", "day", "month", "day_ends", "month_ends"),
    [
        ("UTC", "2026-11-28T12:00", "2026-11-28", "2026-11-01", "2026-11-29", "2026-12-01"),
        ("Europe/Berlin", "2026-12-31T23:59", "2026-12-31", "2026-12-01", "2027-01-01", "2027-01-01"),
        ("Asia/Kathmandu", "2026-02-01T00:00", "2026-02-01", "2026-02-01", "2026-02-02", "2026-03-01"),
        # of 23 and of 25 hours
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-29", "2026-03-01", "2026-03-30", "2026-04-01"),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-25", "2026-10-01", "2026-10-26", "2026-11-01"),
    ],
)
def test_days_and_months_begin_at_midnight_there(
    zone: str, now: str, day: str, month: str, day_ends: str, month_ends: str
) -> None:
    moment = Windows(zone).at(at(zone, now))
    begun = dict(zip(WINDOWS, moment.starts, strict=True))
    assert (begun["day"], begun["month"]) == (at(zone, day), at(zone, month))
    assert moment.ends == {"day": at(zone, day_ends), "month": at(zone, month_ends)}


def test_a_day_begins_when_the_clock_skips_midnight() -> None:
    starts = Windows("Asia/Beirut").at(at("Asia/Beirut", "2026-03-29T09:00")).starts
    assert starts[WINDOWS.index("day")] == at("Asia/Beirut", "2026-03-29T01:00")


def test_a_day_begins_once_when_midnight_comes_twice() -> None:
    windows = Windows("America/Havana")  # on 2026-11-01 its clock goes back from one to midnight
    twice = datetime(2026, 11, 1, 0, 30, tzinfo=ZoneInfo("America/Havana"))
    starts = {windows.at(each.timestamp()).starts[3] for each in (twice, twice.replace(fold=1))}
    assert starts == {at("America/Havana", "2026-11-01")}


def test_the_others_slide() -> None:
    starts = dict(zip(WINDOWS, Windows().at(1_800_000_004).starts, strict=True))
    assert (starts["1m"], starts["1d"], starts["1mo"]) == (1_799_999_940, 1_799_913_600, 1_797_408_000)


def test_a_window_turns_when_it_ends_or_lets_go_of_its_oldest() -> None:
    now = at("UTC", "2026-11-30T23:59:30")
    moment = Windows().at(now)
    assert [moment.turns_in(window, now - 20, now) for window in WINDOWS] == [
        40,
        86_380,
        30 * 86_400 - 20,
        30,
        30,
    ]
    assert moment.turns_in("1m", now - 60, now) == 1


def test_the_days_that_windows_reach_begin_with_one_that_is_over() -> None:
    days = Windows("Europe/Berlin").days(at("Europe/Berlin", "2026-03-31T12:00"))
    assert (days[0], days[-1]) == (at("Europe/Berlin", "2026-02-27"), at("Europe/Berlin", "2026-03-31"))
    assert {round(end - begin) for begin, end in pairwise(days)} == {86_400, 82_800}
