"""What was read out of patterns, kept for processes that start later: parsing them takes half a second."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import regex

from gateway.detect.matching import scanner

_PARSERS = ("pattern_tree.py", "opening.py", "heads.py")
_T = TypeVar("_T")


def parsed(
    patterns: Sequence[regex.Pattern[str]], parse: Callable[[regex.Pattern[str]], _T], kind: type[_T]
) -> list[_T]:
    """Return what `parse` gives for each pattern; `kind` is its type. The parsers' own text counts too."""
    if not patterns:
        return []
    sources = [(Path(__file__).parent / name).read_bytes() for name in _PARSERS]
    written = [(pattern.pattern, pattern.flags) for pattern in patterns]
    made_from = (parse.__module__, parse.__qualname__, sys.version, regex.__version__, sources, written)
    content = scanner.keep(made_from, lambda: msgspec.msgpack.encode([parse(one) for one in patterns]))
    return msgspec.msgpack.decode(content, type=list[kind])  # type: ignore[valid-type]  # a type given at run time
