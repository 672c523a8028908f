"""A pattern as a small tree over ASCII: characters, rows, alternatives and repeats.

A text is given to Hyperscan with one byte a character (`as_bytes`): a character beyond ASCII is a `?`, and so
every class that may match such a character takes a `?` as well. No version of Unicode, no combining mark and
no case folding can then come between the prefilter and the pattern.

The tree may match too much, never too little: look-arounds and boundaries are left out, atomic groups are
plain ones, and a back reference is its group once more, in any case.
"""

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]  # typeshed does not carry it
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

ENDLESS = (1 << 32) - 1  # characters: wider than any text, and what the parser counts an endless repeat as
_BEYOND = ord("?")
# What another case of these letters is beyond ASCII, in `regex`: K, ſ, İ and ı.
_LETTERS_BEYOND = frozenset(b"kKsSiI")
_BEYOND_OF_LETTERS = {0x212A: b"kK", 0x17F: b"sS", 0x130: b"iI", 0x131: b"iI"}
_SEPARATORS = frozenset(range(0x1C, 0x20))  # white space to `re` and not to `regex`
_CATEGORIES = {
    "CATEGORY_DIGIT": frozenset(b"0123456789"),
    "CATEGORY_SPACE": frozenset(b" \t\n\r\f\v"),
    "CATEGORY_WORD": frozenset(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}
_ASCII = frozenset(range(128))
# `regex` has fuzzy matching and POSIX classes where `re`, whose parser this is, reads plain characters.
_FOREIGN = re.compile(r"\{[^{},]*[idse<][^{}]*\}|\[:\^?[a-z]+:\]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_LOOK_AROUNDS = ("ASSERT", "ASSERT_NOT")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_MARGIN = 2  # characters beyond a match that `\b` and `$` look at


class NoOpening(ValueError):
    """The pattern is beyond this parser, or may match nothing at all: it cannot be prefiltered."""


@dataclass(frozen=True, slots=True)
class Char:
    """One character, which may be any of these bytes."""

    members: frozenset[int]

    def source(self) -> str:
        """Return the members as a class in hexadecimal, which needs no escaping. Raises NoOpening."""
        if not self.members:
            raise NoOpening("a class without members")
        return _written(self.members)


@dataclass(frozen=True, slots=True)
class Row:
    """Nodes one after another."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Alternatives."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A row from `least` to `most` times."""

    least: int
    most: int
    row: Row


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of the text."""


Node = Char | Row | Either | Repeat | Start


def parse(pattern: regex.Pattern[str]) -> tuple[Row, int]:
    """Return the tree of a pattern, and how far from its start a whole match looks. Raises NoOpening."""
    if pattern.flags & regex.V1 or _FOREIGN.search(_ESCAPED.sub("", pattern.pattern)):
        raise NoOpening("syntax that only `regex` knows")
    try:
        tree = sre.parse(pattern.pattern, pattern.flags & re.VERBOSE)
    except (re.error, RecursionError, OverflowError) as error:
        raise NoOpening(str(error)) from error
    nodes = list(_nodes(tree))
    # look-aheads within look-aheads add up
    look_ahead = sum(int(one[1][1].getwidth()[1]) for one in nodes if str(one[0]) in _LOOK_AROUNDS)
    groups = {one[1][0]: one[1][3] for one in nodes if str(one[0]) == "SUBPATTERN"}
    caseless = bool((pattern.flags | tree.state.flags) & re.IGNORECASE)
    return _row(tree, caseless, groups), min(ENDLESS, int(tree.getwidth()[1]) + look_ahead + _MARGIN)


def as_bytes(text: str) -> bytes:
    """Return the text with one byte a character, so that offsets are what they are in the text."""
    return text.encode("ascii", "replace")


@lru_cache(maxsize=4096)
def _written(members: frozenset[int]) -> str:
    if len(members) == 1:
        return f"\\x{next(iter(members)):02x}"
    ranges, codes = [], sorted(members)
    first = before = codes[0]
    for code in [*codes[1:], ENDLESS]:
        if code != before + 1:
            ranges.append(f"\\x{first:02x}-\\x{before:02x}" if before > first else f"\\x{first:02x}")
            first = code
        before = code
    return f"[{''.join(ranges)}]"


def _nodes(tree: Any) -> Iterator[Any]:
    """Yield every node of a parsed pattern, at every depth."""
    for node in tree:
        yield node
        for inner in _inside(node[1]):
            yield from _nodes(inner)


def _inside(argument: Any) -> Iterator[Any]:
    if isinstance(argument, sre.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _inside(item)


def _row(tree: Iterable[Any], caseless: bool, groups: dict[Any, Any]) -> Row:
    found = (_node(str(name), argument, caseless, groups) for name, argument in tree)
    return Row(tuple(node for node in found if node is not None))


def _node(name: str, argument: Any, caseless: bool, groups: dict[Any, Any]) -> Node | None:
    """Return the node; None for what matches no character of its own."""
    if name == "AT":
        return Start() if str(argument) == "AT_BEGINNING_STRING" else None
    if name in _LOOK_AROUNDS:
        return None
    if name in _REPEATS:
        least, most, inner = argument
        return Repeat(least, int(most), _row(inner, caseless, groups))
    if name == "SUBPATTERN":
        _, added, removed, inner = argument
        ignores = bool(added & re.IGNORECASE) or (caseless and not removed & re.IGNORECASE)
        return _row(inner, ignores, groups)
    if name == "ATOMIC_GROUP":
        return _row(argument, caseless, groups)
    if name == "BRANCH":
        return Either(tuple(_row(one, caseless, groups) for one in argument[1]))
    if name == "GROUPREF":  # what the group matched, in any case: the reference itself may ignore it
        return _row(groups[argument], True, groups)
    return Char(_members(name, argument, caseless))


def _members(name: str, argument: Any, caseless: bool) -> frozenset[int]:
    """Return the bytes that one character of the pattern may be."""
    if name in ("ANY", "ANY_ALL"):
        return _ASCII
    if name == "LITERAL":
        return _range(argument, argument, caseless)
    if name == "NOT_LITERAL":
        return (_ASCII - _range(argument, argument, caseless, exactly=True)) | {_BEYOND}
    if name != "IN":
        raise NoOpening(f"an unknown construct: {name}")
    negated = str(argument[0][0]) == "NEGATE"
    items = argument[1:] if negated else argument
    members = frozenset().union(
        *(_item(str(name), given, caseless, exactly=negated) for name, given in items)
    )
    return (_ASCII - members) | {_BEYOND} if negated else members


def _item(name: str, argument: Any, caseless: bool, *, exactly: bool) -> frozenset[int]:
    """Return the bytes of one item of a class, no more than those when `exactly` (it is to be taken away)."""
    if name == "LITERAL":
        return _range(argument, argument, caseless, exactly=exactly)
    if name == "RANGE":
        return _range(argument[0], argument[1], caseless, exactly=exactly)
    if name != "CATEGORY":
        raise NoOpening(f"an unknown construct: {name}")
    category = str(argument)
    members = _CATEGORIES.get(category.replace("_NOT_", "_"))
    if members is None:
        raise NoOpening(f"an unknown construct: {category}")
    if "_NOT_" in category:
        members = _ASCII - members
    # the two engines differ about these: in when added, out when taken away
    if category.endswith("SPACE"):
        members = members - _SEPARATORS if exactly else members | _SEPARATORS
    return members if exactly else members | {_BEYOND}


@lru_cache(maxsize=4096)  # a list of words asks for the same letters, thousands of times
def _range(first: int, last: int, caseless: bool, *, exactly: bool = False) -> frozenset[int]:
    members = set(range(first, min(last, 127) + 1))
    if caseless:
        members |= {ord(chr(code).swapcase()) for code in members if chr(code).isalpha()}
        for code, letters in _BEYOND_OF_LETTERS.items():
            if first <= code <= last:
                members |= set(letters)
    if not exactly and (last > 127 or (caseless and members & _LETTERS_BEYOND)):
        members.add(_BEYOND)
    return frozenset(members)
