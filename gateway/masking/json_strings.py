"""Values and JSON: where in a JSON text a place is, and what a value looks like inside a string of it."""

from __future__ import annotations

import json
import re

_QUOTE = re.compile(r'(?<!\\)\\*+"')  # a run of backslashes is read once, so the cost is linear
_BRACKET = re.compile(r"[{}\[\]]")
# What stands before the first string of a JSON text: at the start of a line, or of the string that it is in.
_START = re.compile(r"(?:\A|\n)[ \t]*([{\[][\s{\[]*)\Z")
_INNER_START = re.compile(r"(?:\s|\\+[nrt])*[{\[](?:[\s{\[]|\\+[nrt])*")
_LONGEST_START = 256


def escaped(value: str, times: int = 1) -> str:
    """Return the value as it stands inside a JSON string; twice, inside a JSON text in a JSON string."""
    for _ in range(times):
        value = json.dumps(value, ensure_ascii=False)[1:-1]
    return value


def unescaped(value: str, times: int = 1) -> str:
    """Return what the inside of a JSON string means; the text itself when it is no such thing."""
    for _ in range(times):
        meaning = decoded_literal(f'"{value}"')
        value = value if meaning is None else meaning
    return value


def decoded_literal(literal: str) -> str | None:
    """Return what a JSON string with its quotes means; None when it is none."""
    try:
        value = json.loads(literal)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


class JsonStrings:
    """How many strings deep, one JSON text inside the other, a text that is read in pieces has come.

    A JSON text begins with a line of the text and goes on until its brackets are closed; around it, and in a
    text that holds none, the depth is zero.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._brackets = 0  # that are open, of the JSON text which has come
        self._is_json: list[bool | None] = []  # for each string that is open; None while no quote has come
        self._before = ""  # what stands before the next quote
        self._backslashes = ""

    def read(self, text: str) -> None:
        """Go on over a piece of the text."""
        text = self._backslashes + text
        whole = text.rstrip("\\")
        self._backslashes = text[len(whole) :]
        at = 0
        for quote in _QUOTE.finditer(whole):
            self._pass(whole[at : quote.start()])
            self._meet(quote.end() - quote.start() - 1)
            at = quote.end()
        self._pass(whole[at:])

    def _pass(self, text: str) -> None:
        if self._brackets and not self.depth:
            for bracket in _BRACKET.finditer(text):
                self._brackets += 1 if bracket.group() in "{[" else -1
                if not self._brackets:
                    text = text[bracket.end() :]
                    break
        self._before += text[-_LONGEST_START - 1 :]
        if len(self._before) > _LONGEST_START:
            self._before = "x" + self._before[-_LONGEST_START:]  # no start of the text any more

    def _meet(self, backslashes: int) -> None:
        """Take a quote: it ends an open string, begins one, or is plain text."""
        before, self._before = self._before, "x"
        for depth in range(self.depth):
            if backslashes % 2 == 0:
                self.depth = depth
                del self._is_json[depth:]
                return
            backslashes //= 2  # as many as are left once this string's escapes are undone
        if self._begins(before) and not backslashes:
            self.depth += 1
            self._is_json.append(None)
            self._before = ""

    def _begins(self, before: str) -> bool:
        """Return whether a string of JSON begins here."""
        if self.depth:
            if self._is_json[-1] is None:
                self._is_json[-1] = _INNER_START.fullmatch(before) is not None
            return bool(self._is_json[-1])
        if not self._brackets and (start := _START.search(before)):
            self._brackets = len(_BRACKET.findall(start[1]))
        return self._brackets > 0


class JsonDepths:
    """How many strings deep the places of one text are; asked in order, all of them cost one reading."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._strings = JsonStrings()
        self._at = 0

    def at(self, offset: int) -> int:
        """Return the depth of this offset."""
        if offset < self._at:
            self._strings, self._at = JsonStrings(), 0
        self._strings.read(self._text[self._at : offset])
        self._at = offset
        return self._strings.depth
