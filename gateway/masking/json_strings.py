"""Values and JSON: where in a JSON text a place is, and what a value looks like inside a string of it."""

from __future__ import annotations

import json
import re

_QUOTE = re.compile(r'\\*"')
_BLANK = r"(?:\s|\\+[nrt])*"
# what stands before the first string of a JSON text
_START = re.compile(
    rf"{_BLANK}[{{\[](?:[\s{{\[]|\\+[nrt])*"
)  # what stands before the first string of a JSON text
_LONGEST_START = 256


def escaped(value: str, times: int = 1) -> str:
    """The value as it stands inside a JSON string; twice, inside a JSON text inside a JSON string."""
    for _ in range(times):
        value = json.dumps(value, ensure_ascii=False)[1:-1]
    return value


def unescaped(value: str) -> str:
    """What the inside of a JSON string means; itself when it is no such thing."""
    meaning = decoded_literal(f'"{value}"')
    return value if meaning is None else meaning


def decoded_literal(literal: str) -> str | None:
    """What a JSON string with its quotes means; None when it is none."""
    try:
        value = json.loads(literal)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


class JsonStrings:
    """How many strings deep, one JSON text inside the other, a text that is read in pieces has come.

    Zero for all of a text that is not JSON: that is told by what stands before its first quote.
    """

    def __init__(self) -> None:
        self.depth = 0
        # for the text and for each string that is open: whether it is JSON; None while no quote has come
        self._is_json: list[bool | None] = [None]
        self._start = ""
        self._backslashes = ""

    def read(self, text: str) -> None:
        """Go on over a piece of the text."""
        if self._is_json[0] is False:
            return
        text = self._backslashes + text
        whole = text.rstrip("\\")
        self._backslashes = text[len(whole) :]
        at = 0
        for quote in _QUOTE.finditer(whole):
            self._begin(whole[at : quote.start()])
            self._meet(quote.end() - quote.start() - 1)
            at = quote.end()
        self._begin(whole[at:])

    def _begin(self, text: str) -> None:
        if self._is_json[-1] is None:
            self._start += text[: _LONGEST_START + 1]
            if len(self._start) > _LONGEST_START:
                self._is_json[-1] = False

    def _meet(self, backslashes: int) -> None:
        """A quote: the end of a string that is open, the beginning of one inside, or plain text."""
        for depth in range(self.depth):
            if backslashes % 2 == 0:
                self.depth = depth
                del self._is_json[depth + 1 :]
                return
            backslashes //= 2  # as many as are left once this string's escapes are undone
        if self._is_json[-1] is None:
            self._is_json[-1] = _START.fullmatch(self._start) is not None
        if self._is_json[-1] and not backslashes:
            self.depth += 1
            self._is_json.append(None)
            self._start = ""
