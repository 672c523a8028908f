"""Server-sent events (WHATWG HTML §9.2), read from bytes split anywhere and written back."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from gateway.dialects.reading.document import Malformed

_LINE_END = re.compile(r"\r\n|\r|\n")
_WORDS = re.compile(r":[A-Za-z _-]{0,64}")


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event; "" and -1 where the stream did not say. One with a `comment` is that, and nothing else."""

    data: str
    event: str = ""
    id: str = ""
    retry: int = -1
    comment: str = ""


class SseDecoder:
    """Events out of bytes. An event of more than `limit` characters is Malformed.

    With `comments` those of a few words come, too: no value is spelled without a digit or a sign.
    """

    def __init__(self, limit: int, *, comments: bool = False) -> None:
        self._limit = limit
        self._comments = comments
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._started = False
        self._after_cr = False
        self._tail: list[str] = []  # of a line whose end has not come
        self._data: list[str] = []
        self._fields: dict[str, str] = {}
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that `chunk` completes. Raises Malformed on bad UTF-8 or a too long event."""
        text = self._text(chunk)
        if not text:
            return []
        *lines, tail = _LINE_END.split(text)
        events = []
        for line in lines:
            self._grow(line)
            event = self._line("".join(self._tail) + line)
            self._tail.clear()
            if event:
                events.append(event)
        self._grow(tail)
        if tail:
            self._tail.append(tail)
        return events

    def _text(self, chunk: bytes) -> str:
        """Return the characters of `chunk`, without a leading BOM and without the LF of a CRLF cut in two."""
        try:
            text = self._utf8.decode(chunk)
        except UnicodeDecodeError as error:
            raise Malformed("the event stream is not valid UTF-8") from error
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        if text and self._after_cr:
            self._after_cr = False
            text = text.removeprefix("\n")
        if text:
            self._after_cr = text.endswith("\r")
        return text

    def _grow(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise Malformed(f"an event is longer than {self._limit} characters")

    def _line(self, line: str) -> SseEvent | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self._size -= len(line)
            is_told = self._comments and _WORDS.fullmatch(line)
            return SseEvent("", comment=line[1:].strip() or " ") if is_told else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event" or (name == "id" and "\0" not in value) or (name == "retry" and _digits(value)):
            self._fields[name] = value
        return None

    def _dispatch(self) -> SseEvent | None:
        data, fields = self._data, self._fields
        self._data, self._fields, self._size = [], {}, 0
        if not data:
            return None
        retry = int(fields.get("retry", "-1"))
        return SseEvent("\n".join(data), fields.get("event", ""), fields.get("id", ""), retry)


def encode(event: SseEvent) -> bytes:
    """Return the event as bytes. Raises ValueError when its name or id holds a line end."""
    if event.comment:
        return comment(event.comment)
    lines = []
    for name, value in (("event", event.event), ("id", event.id)):
        if _LINE_END.search(value):
            raise ValueError(f"the {name} of an event cannot hold a line end")
        if value:
            lines.append(f"{name}: {value}")
    if event.retry >= 0:
        lines.append(f"retry: {event.retry}")
    lines += [f"data: {line}" for line in _LINE_END.split(event.data)]
    return ("\n".join(lines) + "\n\n").encode()


def comment(text: str) -> bytes:
    """Return a comment, which readers drop: it keeps an idle connection open."""
    return "".join(f": {line}\n" for line in _LINE_END.split(text)).encode() + b"\n"


def _digits(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10
