r"""The first characters of everything that a pattern matches: by them a match is told to have begun.

Example, for the pattern `ab?c|\d+x` and three characters: `a` `b` `c`, and `[0-9?]` twice or three times with
an `x` behind two of them; `ac` is narrower, and left out.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from gateway.detect.matching.pattern_tree import Char, Either, Node, NoOpening, Repeat, Row, parse

_MOST_HEADS = 500
_LONGEST_EXPRESSION = 12_000  # characters: Hyperscan takes 16,000

_Head = tuple[str, ...]


@lru_cache(maxsize=256)
def heads(pattern: regex.Pattern[str], width: int) -> bytes:
    """Return an expression for the first `width` characters of every match that is so wide; b"" if none is.

    Raises NoOpening.
    """
    tree, _ = parse(pattern)
    expression = "|".join(sorted("".join(head) for head in _row(tree, width) if len(head) == width))
    if len(expression) > _LONGEST_EXPRESSION:
        raise NoOpening("it may begin in too many ways")
    return expression.encode("ascii")


def _row(row: Row, width: int) -> set[_Head]:
    """Return every head of a row of nodes; one narrower than `width` is a whole match."""
    found: set[_Head] = {()}
    for node in row.nodes:
        if all(len(head) == width for head in found):
            break
        found = _joined(found, _node(node, width), width)
    return found


def _node(node: Node, width: int) -> set[_Head]:
    match node:
        case Char():
            return {(node.source(),)}
        case Row():
            return _row(node, width)
        case Repeat():
            return _repeat(node, width)
        case Either(rows):
            return set().union(*(_row(row, width) for row in rows))
    return {()}


def _repeat(node: Repeat, width: int) -> set[_Head]:
    one = _row(node.row, width)
    found: set[_Head] = {()} if not node.least else set()
    head: set[_Head] = {()}
    for count in range(1, min(node.most, max(node.least, width)) + 1):
        longer = _joined(head, one, width)
        if count >= node.least:
            found |= longer
        if longer == head:  # more of it changes nothing any more
            return found | head
        head = longer
    return found


def _joined(first: set[_Head], then: set[_Head], width: int) -> set[_Head]:
    joined = {(a + b)[:width] for a in first for b in then}
    if len(joined) > _MOST_HEADS:
        raise NoOpening("it may begin in too many ways")
    return joined
