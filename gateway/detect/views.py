"""Other readings of a text: without its escapes, and with values set apart from the letters beside them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from gateway.exchange import Span

# An escape as JSON, string literals and Markdown have them, at any level (\\n inside a JSON text inside a
# JSON text), and the colours of a terminal. A run of backslashes is read once, so the cost is linear.
_ESCAPE = re.compile(
    r"(?P<colour>(?:\x1b|(?<!\\)\\++(?:u001[bB]|x1[bB]|033|e))\[[0-9;]{0,32}[A-Za-z])"
    r"|(?<!\\)\\++(?:u(?P<four>[0-9A-Fa-f]{4})|x(?P<two>[0-9A-Fa-f]{2})|(?P<blank>[nrtbfv])"
    r"|(?P<itself>[!-/:-@\[\]^-`{-~]))"
)
_ASIDE = "|"  # separates without joining, unlike a space: digits on both sides are no one number
_MINUS = {"\u2212": "-", "\u30fc": "-"}  # signs that stand for a dash although they are not classed as one


def decoded(text: str) -> Decoded | None:
    """The decoded reading of a text; None when it holds no escape."""
    if "\\" not in text and "\x1b" not in text:
        return None
    reading = Decoded(text)
    return reading if len(reading.text) < len(text) else None


class Decoded:
    """A text with its escapes decoded, which knows where each of its characters came from."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._starts, self._sources, self._inside = [0], [0], [(-1, -1)]
        at = length = 0
        for escape in _ESCAPE.finditer(text):
            pieces += text[at : escape.start()], _meaning(escape)
            length += escape.start() - at
            self._starts += length, length + 1
            self._sources += escape.start(), escape.end()
            self._inside.append(escape.span())
            at, length = escape.end(), length + 1
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def source(self, offset: int) -> int:
        """The offset in the text as it was written."""
        found = bisect_right(self._starts, offset) - 1
        return self._sources[found] + offset - self._starts[found]

    def united(self, written: Iterable[Span], found: Iterable[Span]) -> list[Span]:
        """The spans of both readings, as offsets in the text as it was written.

        What was taken to begin with an escape's letter (`\\njane@…` as `njane@…`), or to end with its
        backslash, gives way to what was found beside the escape: half an escape would break the JSON that
        it stands in.
        """
        placed = [replace(span, start=self.source(span.start), end=self.source(span.end)) for span in found]
        starts, ends = {span.start for span in placed}, {span.end for span in placed}
        return placed + [
            span
            for span in written
            if self._around(span.start)[1] not in starts and self._around(span.end)[0] not in ends
        ]

    def _around(self, offset: int) -> tuple[int, int]:
        """Start and end of the escape that the offset lies within, or -1 twice."""
        start, end = self._inside[bisect_right(self._inside, (offset, -1)) - 1]
        return (start, end) if start < offset < end else (-1, -1)


class Folding:
    """Folds a text to ASCII character for character, so that offsets stay what they are.

    Digits, dashes and spaces of every script become ours; the letters of other scripts and the underscore,
    which a pattern would take into the value's word, become a separator.
    """

    def __init__(self) -> None:
        self._table = _Table()

    def folded(self, text: str) -> str:
        """The folded text."""
        return text.replace("_", _ASIDE) if text.isascii() else text.translate(self._table)


class _Table(dict[int, str]):
    """Filled as characters turn up: at most as many entries as Unicode has characters."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


def _folded(char: str) -> str:
    if char.isascii() or char in _MINUS:
        return _ASIDE if char == "_" else _MINUS.get(char, char)
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    if category[0] in "LM" or category == "Pc":
        return _ASIDE
    return chr(ord(char) - 0xFEE0) if "！" <= char <= "～" else char


def _meaning(escape: re.Match[str]) -> str:
    code = escape["four"] or escape["two"]
    if code:
        char = chr(int(code, 16))
        return " " if "\ud800" <= char <= "\udfff" else char
    return escape["itself"] or "\n"
