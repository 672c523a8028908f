"""JSON lines: one JSON text a line. Lines that are none are a text."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gateway.dialects.reading.document import Malformed, parse, serialize

_LENIENT = json.JSONDecoder(strict=False)
_TYPES = (
    *("application/jsonl", "application/x-jsonl", "application/jsonlines", "application/x-jsonlines"),
    *("application/ndjson", "application/x-ndjson"),
)
_NAMES = (".jsonl", ".ndjson")
_MOST_LINES = 100_000
_TEXT = object()  # stands for a line that is no JSON


class Lines:
    """A body of JSON lines: `document` has an item for each, and one for each text between them.

    What did not change goes on in its own bytes. A text has its line breaks in it: what is found may reach
    from one line to the next.
    """

    __slots__ = ("_before", "_raw", "_texts", "document")

    def __init__(self, raw: bytes, *, depth: int = 100) -> None:
        """Read the lines. Raises Malformed where two parsers could read one of them differently."""
        if raw.startswith(codecs.BOM_UTF8) or b"\0" in raw:
            raise Malformed("a line begins with a byte order mark, or is no text")
        if raw.count(b"\n") > _MOST_LINES:
            raise Malformed(f"there are over {_MOST_LINES} lines")
        self._raw: list[bytes] = []
        self._texts: set[int] = set()  # the items that are no JSON
        self.document: list[Any] = []
        text: list[bytes] = []  # lines that are one, and blank ones behind them
        for line in raw.split(b"\n"):
            is_blank = not line.strip()
            item = None if is_blank else _read(line, depth)
            if item is _TEXT or (is_blank and text):
                text.append(line)
                continue
            self._end_text(text)
            self._raw.append(line)
            self.document.append(item)
        self._end_text(text)
        self._before = [_digest(item) for item in self.document]

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield the items that are not blank, with their indexes."""
        return ((index, item) for index, item in enumerate(self.document) if self._raw[index].strip())

    def is_text(self, index: int) -> bool:
        """Return whether an item is no JSON."""
        return index in self._texts

    def encode(self, document: list[Any]) -> bytes:
        """Return the lines as `document` has them now."""
        return b"\n".join(self._written(index, item) for index, item in enumerate(document))

    def _end_text(self, lines: list[bytes]) -> None:
        """Add the lines of a text as one item, and empty the list."""
        if lines:
            raw = b"\n".join(lines)
            self._texts.add(len(self._raw))
            self._raw.append(raw)
            self.document.append(raw.decode())
            lines.clear()

    def _written(self, index: int, item: Any) -> bytes:
        raw = self._raw[index]
        if _digest(item) == self._before[index]:
            return raw
        if index in self._texts:
            return str(item).encode()
        return serialize(item) + (b"\r" if raw.endswith(b"\r") else b"")


def is_lines(media_type: str, name: str = "") -> bool:
    """Return whether a media type, in lower case, or a file's name says that its lines are JSON."""
    return media_type in _TYPES or name.lower().endswith(_NAMES)


def begins_as_lines(text: str) -> bool:
    """Return whether the first line that is not blank is an object."""
    first = next((line for line in text.split("\n") if line.strip()), "").strip()
    if not first.startswith("{"):
        return False
    try:
        return isinstance(_LENIENT.raw_decode(first)[0], dict)
    except RecursionError:
        return True
    except ValueError:
        return False


def _read(line: bytes, depth: int) -> Any:
    try:
        return parse(line, depth=depth)
    except Malformed:
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as error:
            raise Malformed("a line is not valid UTF-8") from error
        if _some_parser_reads(text):
            raise
    return _TEXT


def _some_parser_reads(text: str) -> bool:
    """Return whether a parser that is less strict finds an object or a list at the beginning of a text."""
    try:
        return isinstance(_LENIENT.raw_decode(text)[0], (dict, list))
    except RecursionError:
        return True
    except ValueError:
        return False


def _digest(item: Any) -> bytes:
    return hashlib.sha256(serialize(item)).digest()
