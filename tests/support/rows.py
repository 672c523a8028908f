"""A table in one test: each row costs what it checks, not what starting a test costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def for_each(rows: Iterable[T], check: Callable[[T], None]) -> None:
    """Check every row. Raises ExceptionGroup of all that fail, each with its row."""
    failed = []
    for row in rows:
        try:
            check(row)
        except AssertionError as error:
            error.add_note(f"row: {row!r}")
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{len(failed)} rows fail", failed)
