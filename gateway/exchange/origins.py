"""Where the values in a tool call's arguments come from: the parts of the prompt in which they stand.

Both sides are compared as policy sees them, masked: a value that was found has the same placeholder in a
fetched page and in the arguments of a call.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from gateway.contract import MASKABLE
from gateway.dialects import digits, escape, serialize
from gateway.words import CallOrigin, InspectedPart, PartOrigin

_SHORTEST = 8  # characters of a text that says where it comes from
_WORDS = 5  # that come one after the other in two texts for one to be taken from the other
_TOKEN = re.compile(rf"[\w@.+\-]{{{_SHORTEST},}}")
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TELLING = re.compile("[0-9@_\u2e80-\U0003ffff]|\\w\\.\\w")  # in ids, addresses and names; in no English word
_LARGE = 1_000_000  # characters: all rows of words of a longer text take too much memory to keep
_MANY = 200  # pieces: from here on it is quicker to take both sides into pieces


class Origins:
    """What a prompt says, by who said it. It looks for texts of eight characters and more."""

    def __init__(self, parts: Iterable[InspectedPart], tools: Mapping[str, str]) -> None:
        """`tools` are the names of those that answered, by the pointers of their results."""
        self._sources: dict[PartOrigin, list[str]] = {}
        self.characters = 0
        self._known: dict[bytes, tuple[CallOrigin, ...]] = {}  # by the arguments
        for one in parts:
            part = one.part
            if part.role and part.place in MASKABLE and len(one.masked) >= _SHORTEST:
                tool = _tool_of(part.pointer, tools) if tools and part.kind == "tool_result" else ""
                self.characters += len(one.masked)
                self._sources.setdefault(PartOrigin(part.role, part.kind, tool), []).append(one.masked)

    def of(self, arguments: Mapping[str, Any]) -> tuple[CallOrigin, ...]:
        """Return the origins of each argument value that has any, by its pointer in the arguments.

        Policy is asked about a call again with each one that follows it.
        """
        said = serialize(arguments)
        if said not in self._known:
            self._known[said] = self._traced(arguments)
        return self._known[said]

    def _traced(self, arguments: Mapping[str, Any]) -> tuple[CallOrigin, ...]:
        wanted = {at: pieces for at, text in _leaves(arguments, "") if (pieces := set(_pieces(text)))}
        asked = {piece for pieces in wanted.values() for piece in pieces}
        standing = {origin: said.holds(asked) for origin, said in self._said.items()} if asked else {}
        found = (
            CallOrigin(at, tuple(sorted(origin for origin, held in standing.items() if pieces & held)))
            for at, pieces in wanted.items()
        )
        return tuple(one for one in found if one.sources)

    @cached_property
    def _said(self) -> Mapping[PartOrigin, _Said]:
        return {origin: _Said(texts) for origin, texts in self._sources.items()}


class _Said:
    """What one source said."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._text = "\n".join(map(_plain, texts))

    def holds(self, pieces: set[str]) -> set[str]:
        """Return those of the pieces that stand in it; of many those between whole words only."""
        if len(pieces) <= _MANY:
            return {piece for piece in pieces if piece in self._text}
        found = self._standing(pieces)
        short = (piece for piece in pieces - found if piece.count(" ") < _WORDS - 1)
        return found | {
            piece for piece in short if self._words.issuperset(piece.split()) and piece in self._text
        }

    def _standing(self, pieces: set[str]) -> set[str]:
        if len(self._text) > _LARGE:
            return pieces.intersection(self._taken_apart())
        return pieces & self._pieces

    @cached_property
    def _words(self) -> set[str]:
        return set(self._text.split())

    @cached_property
    def _pieces(self) -> set[str]:
        return set(self._taken_apart())

    def _taken_apart(self) -> Iterator[str]:
        return itertools.chain.from_iterable(map(_pieces, self._text.split("\n")))


def _pieces(text: str) -> Iterator[str]:
    """Yield what tells where a text comes from: all of it, the ids in it, each few words in a row."""
    plain = _plain(text)
    if len(plain) < _SHORTEST:
        return
    yield plain
    tokens = (token.strip(".+-") for token in _TOKEN.findall(plain))
    yield from (one for one in tokens if len(one) >= _SHORTEST and _TELLING.search(one))
    words = plain.split()
    yield from map(" ".join, zip(*(words[skipped:] for skipped in range(_WORDS)), strict=False))


def _plain(text: str) -> str:
    """Return a text without what changes its look only: case, width, hidden characters, white space."""
    if not text.isascii():
        text = _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
    return " ".join(text.casefold().split())


def _leaves(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers in arguments, with their pointers."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{at}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{at}/{index}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield at, digits(value)


def _tool_of(pointer: str, tools: Mapping[str, str]) -> str:
    """Return the tool whose result a part stands in; "" when the prompt does not say."""
    while pointer:
        if pointer in tools:
            return tools[pointer]
        pointer = pointer.rpartition("/")[0]
    return ""
