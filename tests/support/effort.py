"""How much of a long test runs: the same part of it each time, or all of it with `make thorough`.

The part is large enough that a fault of a kind is found; all of it finds the one operation in a thousand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

THOROUGH = os.environ.get("REGATE_THOROUGH") == "1"


def examples(count: int, part: int = 3) -> int:
    """Return how many examples of a property are tried: all, or one of `part`."""
    return count if THOROUGH else max(1, count // part)


def share(every: Sequence[T], part: int = 3, begin: int = 0) -> list[T]:
    """Return what is tried of a row: all of it, or every `part`-th from `begin` on."""
    return list(every) if THOROUGH else list(islice(every, begin % part, None, part))
