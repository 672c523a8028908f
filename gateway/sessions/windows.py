"""The windows in which usage is counted: some slide, some are days and months of a calendar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from gateway.state import MARK_SECONDS
from gateway.words import WINDOWS, Window

_SLIDING: dict[Window, int] = {"1m": 60, "1d": 86_400, "1mo": 30 * 86_400}  # seconds
KEPT_DAYS = 32


@dataclass(frozen=True, slots=True)
class Moment:
    """The windows in five seconds: when each began, in the order of WINDOWS, and when the calendar's end."""

    slot: int
    starts: tuple[float, ...]
    ends: Mapping[Window, float]

    def turns_in(self, window: Window, oldest_until: float, now: float) -> int:
        """Return in how many seconds the window lets go of the oldest of it.

        A calendar's does when it ends, a sliding one when the time up to `oldest_until` is out of it.
        """
        end = oldest_until + _SLIDING[window] if window in _SLIDING else self.ends[window]
        return max(1, math.ceil(end - now))


class Windows:
    """The windows at any time. A day begins at midnight of one time zone, however long it is there."""

    def __init__(self, timezone: str = "UTC") -> None:
        self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        self._moment: Moment | None = None

    def at(self, now: float) -> Moment:
        """Return the windows as of this time, in seconds since 1970, or up to five seconds more of them."""
        slot = int(now // MARK_SECONDS) * MARK_SECONDS
        if self._moment is None or self._moment.slot != slot:
            self._moment = self._compute(slot)
        return self._moment

    def _compute(self, now: int) -> Moment:
        today = self._day(now)
        month = today.replace(day=1)
        begun: dict[Window, float] = {"day": self._midnight(today), "month": self._midnight(month)}
        ends: dict[Window, float] = {
            "day": self._midnight(today + timedelta(days=1)),
            "month": self._midnight((month + timedelta(days=31)).replace(day=1)),
        }
        sliding = {window: now - seconds for window, seconds in _SLIDING.items()}
        return Moment(now, tuple((sliding | begun)[window] for window in WINDOWS), ends)

    def days(self, now: float) -> list[float]:
        """Return when each day began that a window may reach, oldest first, and when this one did."""
        today = self._day(now)
        return [self._midnight(today - timedelta(days=ago)) for ago in range(KEPT_DAYS, -1, -1)]

    def _day(self, now: float) -> date:
        return datetime.fromtimestamp(now, self._zone).date()

    def _midnight(self, day: date) -> float:
        """Return when the day begins: at the first of two midnights, or when the clock skips midnight."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()
