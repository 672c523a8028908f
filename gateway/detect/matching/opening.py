"""What every match of a pattern begins with, as an expression over bytes that Hyperscan knows.

The prefilter looks for openings and lets the pattern itself decide. An opening may therefore match too much,
never too little: look-arounds and boundaries are left out, atomic groups become plain ones, a back reference
repeats its group's pattern, and what follows the last character that has to be there is cut off.

A text is given to Hyperscan with one byte a character (`as_bytes`): a character beyond ASCII is a `?`, and so
every class that may match such a character takes a `?` as well. No version of Unicode, no combining mark and
no case folding can then come between the prefilter and the pattern.
"""

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
_MOST_COUNTED = 64  # Hyperscan counts no further: a longer repeat is as good as an endless one
# `regex` has fuzzy matching and POSIX classes where `re`, whose parser this is, reads plain characters.
_FOREIGN = re.compile(r"\{[^{},]*[idse<][^{}]*\}|\[:\^?[a-z]+:\]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_LOOK_AROUNDS = ("ASSERT", "ASSERT_NOT")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_MOST_HEADS = 500
_LONGEST_EXPRESSION = 12_000  # characters: Hyperscan takes 16,000
_MARGIN = 2  # characters beyond a match that `\b` and `$` look at


_Head = tuple[str, ...]


class NoOpening(ValueError):
    """The pattern is beyond this parser, or may match nothing at all: it cannot be prefiltered."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An expression, how wide what it matches is, and how far from its start a whole match looks."""

    expression: bytes
    least: int
    most: int
    reach: int


def opening(pattern: regex.Pattern[str]) -> Opening:
    """The opening of a pattern. Raises NoOpening."""
    tree, caseless = _parsed(pattern)
    written = _Writer(tree).sequence(tree, caseless, last=True)
    if not written.least:
        raise NoOpening("it may match nothing at all")
    reach = min(ENDLESS, int(tree.getwidth()[1]) + _look_ahead(tree) + _MARGIN)
    return Opening(written.text.encode("ascii"), written.least, min(written.most, ENDLESS), reach)


def heads(pattern: regex.Pattern[str], width: int) -> bytes:
    """An expression for the first `width` characters of every match that is so wide; b"" when none is.

    Raises NoOpening.
    """
    tree, caseless = _parsed(pattern)
    found = _Heads(tree).sequence(tree, caseless, width)
    expression = "|".join(sorted("".join(head) for head in found if len(head) == width))
    if len(expression) > _LONGEST_EXPRESSION:
        raise NoOpening("it may begin in too many ways")
    return expression.encode("ascii")


def as_bytes(text: str) -> bytes:
    """The text with one byte a character, so that offsets are what they are in the text."""
    return text.encode("ascii", "replace")


def _parsed(pattern: regex.Pattern[str]) -> tuple[Any, bool]:
    """The pattern as a tree, and whether case does not count in it."""
    if pattern.flags & regex.V1 or _FOREIGN.search(_ESCAPED.sub("", pattern.pattern)):
        raise NoOpening("syntax that only `regex` knows")
    try:
        tree = sre.parse(pattern.pattern, pattern.flags & re.VERBOSE)
    except (re.error, RecursionError, OverflowError) as error:
        raise NoOpening(str(error)) from error
    return tree, bool((pattern.flags | tree.state.flags) & re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    least: int
    most: int


_NOTHING = _Written("", 0, 0)


class _Writer:
    """Writes a parsed pattern as an expression; with `last`, nothing but ends of the pattern follow."""

    def __init__(self, tree: Any) -> None:
        self._groups = dict(_groups(tree))

    def sequence(self, nodes: Iterable[Any], caseless: bool, *, last: bool) -> _Written:
        """What stands in a row, from its end, because what may be absent there is cut off."""
        written: list[_Written] = []
        for node in reversed(list(nodes)):
            one = self._node(node, caseless, last=last)
            if last and not one.least:
                continue
            last = last and not one.least
            written.append(one)
        written.reverse()
        return _Written(
            "".join(one.text for one in written),
            sum(one.least for one in written),
            sum(one.most for one in written),
        )

    def _node(self, node: Any, caseless: bool, *, last: bool) -> _Written:
        name, argument = str(node[0]), node[1]
        if name == "AT" and str(argument) == "AT_BEGINNING_STRING":
            return _Written("^", 0, 0)
        if name == "AT" or name in _LOOK_AROUNDS:
            return _NOTHING
        if name in _REPEATS:
            return self._repeat(argument, caseless, last=last)
        if name == "SUBPATTERN":
            return self.sequence(argument[3], _is_caseless(argument, caseless), last=last)
        if name == "ATOMIC_GROUP":
            return self.sequence(argument, caseless, last=last)
        if name == "BRANCH":
            return _either([self.sequence(one, caseless, last=last) for one in argument[1]])
        if name == "GROUPREF":
            # what the group matched, in any case: the reference itself may be caseless
            return self.sequence(self._groups[argument], True, last=last)
        return _Written(_class(_members(name, argument, caseless)), 1, 1)

    def _repeat(self, argument: Any, caseless: bool, *, last: bool) -> _Written:
        least, most, inner = argument
        if last and least <= 1:
            return self.sequence(inner, caseless, last=True) if least else _NOTHING
        one = self.sequence(inner, caseless, last=False)
        if last:
            most = least
        if not one.most or not most:
            return _NOTHING
        count = f"{{{least},{most if most <= _MOST_COUNTED else ''}}}" if (least, most) != (1, 1) else ""
        return _Written(f"(?:{one.text}){count}", one.least * least, min(ENDLESS, one.most * int(most)))


class _Heads:
    """Lists the first characters of what a parsed pattern matches, each character as a class."""

    def __init__(self, tree: Any) -> None:
        self._groups = dict(_groups(tree))

    def sequence(self, nodes: Iterable[Any], caseless: bool, width: int) -> set[_Head]:
        """Every head of what stands in a row; one that is narrower than `width` is all of it."""
        found: set[_Head] = {()}
        for node in nodes:
            if all(len(head) == width for head in found):
                break
            found = _joined(found, self._node(node, caseless, width), width)
        return found

    def _node(self, node: Any, caseless: bool, width: int) -> set[_Head]:
        name, argument = str(node[0]), node[1]
        if name == "AT" or name in _LOOK_AROUNDS:
            return {()}
        if name in _REPEATS:
            return self._repeat(argument, caseless, width)
        if name == "SUBPATTERN":
            return self.sequence(argument[3], _is_caseless(argument, caseless), width)
        if name == "ATOMIC_GROUP":
            return self.sequence(argument, caseless, width)
        if name == "BRANCH":
            return set().union(*(self.sequence(one, caseless, width) for one in argument[1]))
        if name == "GROUPREF":
            return self.sequence(self._groups[argument], True, width)
        return {(_class(_members(name, argument, caseless)),)}

    def _repeat(self, argument: Any, caseless: bool, width: int) -> set[_Head]:
        least, most, inner = argument
        one = self.sequence(inner, caseless, width)
        found: set[_Head] = {()} if not least else set()
        head: set[_Head] = {()}
        for count in range(1, min(int(most), max(least, width)) + 1):
            longer = _joined(head, one, width)
            if count >= least:
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


def _is_caseless(argument: Any, caseless: bool) -> bool:
    """Whether case does not count within a group."""
    _, added, removed, _ = argument
    return bool(added & re.IGNORECASE) or (caseless and not removed & re.IGNORECASE)


def _either(branches: Sequence[_Written]) -> _Written:
    least = min(branch.least for branch in branches)
    text = "|".join(dict.fromkeys(branch.text for branch in branches))
    return _Written(f"(?:{text})", least, max(branch.most for branch in branches))


def _members(name: str, argument: Any, caseless: bool) -> frozenset[int]:
    """The bytes that one character of the pattern may be."""
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
    """One item of a class; `exactly` when it is to be taken away, where too much would be too little."""
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


def _class(members: frozenset[int]) -> str:
    """The members as a class in hexadecimal, which needs no escaping."""
    if not members:
        raise NoOpening("a class without members")
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


def _groups(tree: Any) -> Iterator[tuple[int, Any]]:
    for node in _nodes(tree):
        if str(node[0]) == "SUBPATTERN" and node[1][0] is not None:
            yield node[1][0], node[1][3]


def _look_ahead(tree: Any) -> int:
    """How many characters beyond a match its look-aheads may look at, one within the other at the most."""
    return sum(int(node[1][1].getwidth()[1]) for node in _nodes(tree) if str(node[0]) in _LOOK_AROUNDS)


def _nodes(tree: Any) -> Iterator[Any]:
    """Every node of a parsed pattern, at every depth."""
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
