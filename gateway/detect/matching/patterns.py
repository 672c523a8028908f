"""Patterns run with a deadline: one that cannot finish in time is an error, never a skipped pattern."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, cast

import regex

from gateway.errors import InspectionFailed


class InspectionLate(InspectionFailed):
    """The time that an inspection was given is over."""


_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


class Deadline:
    """The time by which one inspection must be done (seconds from now)."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left. Raises InspectionFailed when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise InspectionLate("the text could not be inspected in time")
        return left


@contextlib.asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as timeout:
            yield
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise InspectionLate(f"the text could not be inspected within {seconds:g} seconds") from error


def in_time(seconds: float, waits: bool = True) -> contextlib.AbstractAsyncContextManager[None]:
    """Bound everything that is awaited within. Raises InspectionLate when it takes longer than `seconds`.

    A timer costs as much as a small inspection: work that `waits` for nothing goes without.
    """
    return _in_time(seconds) if waits else contextlib.nullcontext()


class _Late:
    """A pattern that is compiled at its first search."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern, self.flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        search = getattr(regex.compile(self.pattern, self.flags), name)
        setattr(self, name, search)  # the next search finds it there
        return search


@cache
def late(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    """Return a pattern, the same for the same text, that is compiled at its first search.

    Compiling every pattern of secrets and phrases takes 0.4 s at each start, and a text needs few of them.
    """
    return cast("regex.Pattern[str]", _Late(pattern, flags))


def matches(
    pattern: regex.Pattern[str], text: str, deadline: Deadline, *, start: int = 0
) -> Iterator[regex.Match[str]]:
    """Yield every match from `start` on. Raises InspectionFailed when the deadline passes first.

    Presidio's own loop logs a timeout and goes on without the pattern, which lets the text through.
    """
    try:
        yield from pattern.finditer(text, pos=start, timeout=deadline.left())
    except TimeoutError as error:
        raise InspectionLate("a detection pattern did not finish in time") from error


def is_in_a_uuid(text: str, start: int, end: int) -> bool:
    """Return whether these offsets touch a UUID, whose groups of digits are no personal numbers."""
    return any(
        uuid.start() < end and start < uuid.end()
        for uuid in _UUID.finditer(text, max(0, start - 36), end + 36)
    )
