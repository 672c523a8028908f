r"""What every match of a pattern begins with, as an expression over bytes that Hyperscan knows.

The prefilter looks for openings and lets the pattern itself decide. What follows the last character that has
to be there is cut off, for it may be absent.

Example, for the pattern `(?i)\bkey-(?P<id>\d{4})(?=;)[a-z]*`:

    1. parsed    k e y - \d{4} [a-z]*      the boundary and the look-ahead are left out
    2. cut       k e y - \d{4}             [a-z]* may be absent; \d{4} has to be there, and ends the opening
    3. written   [Kk?][Ee][Yy]-(?:[0-9?]){4,4}, in hexadecimal; a `?` is any character beyond ASCII
    4. result    8 characters wide at least and at most; a whole match may have any length, for [a-z]* has
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

from gateway.detect.matching.pattern_tree import ENDLESS, Char, Either, Node, NoOpening, Repeat, Row, parse

_MOST_COUNTED = 64  # Hyperscan counts no further: a longer repeat is as good as an endless one


@dataclass(frozen=True, slots=True)
class Opening:
    """An expression, how wide what it matches is, and how far from its start a whole match looks."""

    expression: bytes
    least: int
    most: int
    reach: int


@lru_cache(maxsize=1024)  # a process may make several detectors: the trial of a configuration is one
def opening(pattern: regex.Pattern[str]) -> Opening:
    """Return the opening of a pattern. Raises NoOpening."""
    tree, reach = parse(pattern)
    written = _row(tree, last=True)
    if not written.least:
        raise NoOpening("it may match nothing at all")
    return Opening(written.source.encode("ascii"), written.least, min(written.most, ENDLESS), reach)


@dataclass(frozen=True, slots=True)
class _Written:
    source: str
    least: int
    most: int


_NOTHING = _Written("", 0, 0)


def _row(row: Row, *, last: bool) -> _Written:
    """Write a row from its end; with `last`, only ends of the pattern follow, and may be cut off."""
    written: list[_Written] = []
    for node in reversed(row.nodes):
        one = _node(node, last=last)
        if last and not one.least:
            continue
        last = last and not one.least
        written.append(one)
    return _Written(
        "".join(one.source for one in reversed(written)),
        sum(one.least for one in written),
        sum(one.most for one in written),
    )


def _node(node: Node, *, last: bool) -> _Written:
    match node:
        case Char():
            return _Written(node.source(), 1, 1)
        case Row():
            return _row(node, last=last)
        case Repeat():
            return _repeat(node, last=last)
        case Either(rows):
            branches = [_row(row, last=last) for row in rows]
            source = "|".join(dict.fromkeys(branch.source for branch in branches))
            least = min(branch.least for branch in branches)
            return _Written(f"(?:{source})", least, max(branch.most for branch in branches))
    return _Written("^", 0, 0)


def _repeat(node: Repeat, *, last: bool) -> _Written:
    least, most = node.least, node.most
    if last and least <= 1:
        return _row(node.row, last=True) if least else _NOTHING
    one = _row(node.row, last=False)
    if last:
        most = least
    if not one.most or not most:
        return _NOTHING
    count = f"{{{least},{most if most <= _MOST_COUNTED else ''}}}" if (least, most) != (1, 1) else ""
    return _Written(f"(?:{one.source}){count}", one.least * least, min(ENDLESS, one.most * most))
