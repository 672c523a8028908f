"""Waiting for a fact: long on a busy machine, and no longer than needed on any."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = (
    100.0  # after which a fact is taken not to come: a bound on hanging, and no measure of speed
)


def holds(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Return whether the condition comes to hold."""
    late = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > late:
            return False
        time.sleep(0.05)
    return True


def until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds. Raises AssertionError when it does not come to hold."""
    assert holds(condition, seconds=seconds), "it did not come to hold"
