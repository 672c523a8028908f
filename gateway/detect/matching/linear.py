r"""Patterns of a configuration, run by RE2: in linear time whatever they say, also while still incomplete.

A pattern is parsed as Python's `re` reads it and written anew for RE2, whose own `\d`, `\w` and `$` mean
something else. What cannot run in linear time, back references and look-arounds, is refused.

Example, for the pattern `AC-\d{3}` and the text `see AC-123 and AC-4`:

    1. parsed        A C - \d{3}
    2. whole match   \x{41}\x{43}\x{2d}(?:[\p{Nd}]){3,3}
    3. beginnings    the empty one, each part, and the whole: (?:A(?:C(?:-(?: … )?)?)?)\z
    4. find          (4, 10), by the first
    5. open_at       15, by the second: more text may complete `AC-4`
"""

from __future__ import annotations

import itertools
import re
import re._parser as sre  # type: ignore[import-not-found]  # typeshed does not carry it
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]  # has no types

_MEMORY = 64 * 1024 * 1024  # bytes for one compiled pattern
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_REFUSED = {
    "GROUPREF": "a back reference",
    "GROUPREF_EXISTS": "a condition",
    "ASSERT": "a look-around",
    "ASSERT_NOT": "a look-around",
}
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\p{Nd}",
    "CATEGORY_NOT_DIGIT": r"\P{Nd}",
    "CATEGORY_SPACE": r"\s\x0b\x1c-\x1f\x{85}\p{Z}",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\p{L}\p{N}_",
    "CATEGORY_NOT_WORD": r"\W",
}
_PLACES = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_BOUNDARY": r"\b",
    "AT_NON_BOUNDARY": r"\B",
    "AT_END": r"(?:\n?\z)",
    "AT_END_STRING": r"\z",
}


class Linear:
    """One pattern. Several threads may use it at once."""

    def __init__(self, pattern: str) -> None:
        """Compile the pattern. Raises ValueError, saying what in it is refused."""
        try:
            tree = sre.parse(pattern)
            flags = "".join(
                letter
                for letter, flag in (("i", re.IGNORECASE), ("s", re.DOTALL), ("m", re.MULTILINE))
                if tree.state.flags & flag
            )
            self._whole = _compiled(flags, _whole(tree))
            self._begun = _compiled(flags, f"(?:{_begun(list(tree))})\\z")
        except (re.error, re2.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression that RE2 runs: {_said(error)}") from error
        if self._whole.fullmatch(b""):
            raise ValueError("matches nothing at all; expected at least a character")

    def find(self, text: str, accepted: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
        """Start and end of every match that is accepted, from left to right and disjoint."""
        data, at = text.encode("utf-8", "surrogatepass"), 0
        characters = _Characters(data)
        while match := self._whole.search(data, at):
            start, end = match.span()
            at = start + 1
            if start == end:
                continue
            span = characters.span(start, end)
            if accepted(*span):
                at = end
                yield span

    def open_at(self, text: str, accepted: Callable[[int], bool]) -> int:
        """Return where the first match begins that more text may complete; the text's length for none."""
        data, at = text.encode("utf-8", "surrogatepass"), 0
        characters = _Characters(data)
        while (match := self._begun.search(data, at)) and match.start() < len(data):
            start, _ = characters.span(match.start(), match.start())
            if accepted(start):
                return start
            at = match.start() + 1
        return len(text)


class _Characters:
    """Bytes to characters, for spans whose starts rise: each byte up to the last start is counted once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ascii = data.isascii()
        self._byte = self._character = 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        if self._ascii:
            return start, end
        self._character += self._count(self._byte, start)
        self._byte = start
        return self._character, self._character + self._count(start, end)

    def _count(self, start: int, end: int) -> int:
        return len(self._data[start:end].decode("utf-8", "surrogatepass"))


def _compiled(flags: str, source: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return re2.compile((f"(?{flags})" if flags else "").encode() + source.encode(), options)


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _whole(tree: Iterable[tuple[Any, Any]]) -> str:
    return "".join(_item(str(operator), argument) for operator, argument in tree)


def _item(name: str, argument: Any) -> str:
    """Return one item of a pattern in RE2's syntax. Raises ValueError on what RE2 does not have."""
    match name:
        case "LITERAL":
            return _char(argument)
        case "NOT_LITERAL":
            return f"[^{_char(argument)}]"
        case "ANY":
            return "."
        case "IN":
            return _class(argument)
        case "AT":
            return _PLACES[str(argument)]
        case "BRANCH":
            return f"(?:{'|'.join(_whole(branch) for branch in argument[1])})"
        case "SUBPATTERN":
            return _scoped(argument, _whole(argument[3]))
        case "ATOMIC_GROUP":
            return f"(?:{_whole(argument)})"
        case name if name in _REPEATS:
            least, most, repeated = argument
            return f"(?:{_whole(repeated)}){_times(least, most)}{'?' if name == 'MIN_REPEAT' else ''}"
    raise ValueError(f"found {_REFUSED.get(name, name.lower())}; expected a pattern without one")


def _begun(items: Sequence[tuple[Any, Any]]) -> str:
    """Return a pattern for every beginning of what the items match, the empty and the whole one too."""
    source = ""
    for operator, argument in reversed(items):
        name = str(operator)
        whole = "" if name == "AT" else _item(name, argument)  # a place may still turn out to be one
        going_on = f"(?:{whole}(?:{source})?)" if source else f"(?:{whole})?"
        inside = _inside(name, argument)
        source = f"(?:{going_on}|{inside})" if inside else going_on
    return source


def _inside(name: str, argument: Any) -> str:
    """Return a pattern for what ends within the item; "" for a single character."""
    if name == "BRANCH":
        return f"(?:{'|'.join(_begun(list(branch)) for branch in argument[1])})"
    if name == "SUBPATTERN":
        return _scoped(argument, _begun(list(argument[3])))
    if name == "ATOMIC_GROUP":
        return f"(?:{_begun(list(argument))})"
    if name in _REPEATS:
        _, most, repeated = argument
        return f"(?:{_whole(repeated)}){_times(0, most)}(?:{_begun(list(repeated))})"
    return ""


def _scoped(argument: Any, source: str) -> str:
    _, added, removed, _ = argument
    on = "".join(letter for letter, flag in (("i", re.I), ("s", re.S), ("m", re.M)) if added & flag)
    off = "".join(letter for letter, flag in (("i", re.I), ("s", re.S), ("m", re.M)) if removed & flag)
    return f"(?{on}{'-' if off else ''}{off}:{source})"


def _times(least: int, most: int) -> str:
    return f"{{{least},{'' if most is sre.MAXREPEAT else most}}}"


def _char(code: int) -> str:
    return f"\\x{{{code:x}}}"


def _class(items: Sequence[tuple[Any, Any]]) -> str:
    names = [(str(operator), str(argument)) for operator, argument in items]
    if names[0][0] == "CATEGORY" and len(names) == 1 and "NOT" in names[0][1]:
        return f"[^{_CATEGORIES[names[0][1].replace('_NOT', '')]}]"
    if names[0][0] == "NEGATE" and any("NOT" in argument for _, argument in names):
        raise ValueError(r"found \W, \D or \S within [^…]; expected \w, \d or \s there")
    return f"[{''.join(itertools.starmap(_member, items))}]"


def _member(operator: Any, argument: Any) -> str:
    match str(operator):
        case "NEGATE":
            return "^"
        case "LITERAL":
            return _char(argument)
        case "RANGE":
            return f"{_char(argument[0])}-{_char(argument[1])}"
    return _CATEGORIES[str(argument)]
