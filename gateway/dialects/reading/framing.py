"""How a stream frames its events: as server-sent events, as lines of JSON, or as the items of one array."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseDecoder, SseEvent, encode

_IN_STRING = re.compile(rb'["\\]')
_OUTSIDE = re.compile(rb'["\[\]{}]')
_BETWEEN = b" \t\r\n,"


class Decoder(Protocol):
    """Turns bytes that were split anywhere into events."""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that `chunk` completes. Raises Malformed."""


class Encoder(Protocol):
    """Turns events into bytes of the same framing."""

    def encode(self, event: SseEvent) -> bytes:
        """Return the bytes of one event."""

    def end(self) -> bytes:
        """Return what closes the stream."""


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to frame the events of a stream; `decoder` is given the most characters of an event."""

    media_type: str
    decoder: Callable[[int], Decoder]
    encoder: Callable[[], Encoder]


class SseEncoder:
    """Server-sent events."""

    def encode(self, event: SseEvent) -> bytes:
        return encode(event)

    def end(self) -> bytes:
        return b""


class LineDecoder:
    """One JSON text on each line; an event of more than `limit` bytes is Malformed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        *lines, tail = chunk.split(b"\n")
        events = []
        for line in lines:
            self._grow(line)
            text = b"".join(self._tail).strip()
            self._tail, self._size = [], 0
            if text:
                events.append(SseEvent(_decoded(text)))
        self._grow(tail)
        return events

    def _grow(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise Malformed(f"an event is longer than {self._limit} bytes")
        self._tail.append(piece)


class LineEncoder:
    """Lines of JSON."""

    def encode(self, event: SseEvent) -> bytes:
        return event.data.encode() + b"\n"

    def end(self) -> bytes:
        return b""


class ArrayDecoder:
    """The items of one JSON array; one of more than `limit` bytes is Malformed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._item = bytearray()
        self._depth = 0  # 1 inside the array, more inside an item
        self._in_string = self._escaped = self._ended = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        start = at = 0
        while at < len(chunk):
            if self._escaped:
                self._escaped, at = False, at + 1
                continue
            sign = (_IN_STRING if self._in_string else _OUTSIDE).search(chunk, at)
            if sign is None:
                break
            at = sign.end()
            if sign[0] == b"\\":
                self._escaped = True
            elif sign[0] == b'"':
                self._in_string = not self._in_string
            elif sign[0] in b"[{":
                self._depth += 1
                if self._depth <= 2:
                    self._between(chunk[start : at - 1])
                    start = at - 1 if self._depth == 2 else at
            else:
                self._depth -= 1
                if self._depth == 1:
                    self._grow(chunk[start:at])
                    events.append(SseEvent(_decoded(bytes(self._item))))
                    self._item.clear()
                    start = at
                elif self._depth < 1:
                    self._between(chunk[start : at - 1])
                    self._ended, start = True, at
        rest = chunk[start:]
        if self._depth > 1:
            self._grow(rest)
        else:
            self._between(rest)
        return events

    def _grow(self, piece: bytes) -> None:
        self._item += piece
        if len(self._item) > self._limit:
            raise Malformed(f"an event is longer than {self._limit} bytes")

    def _between(self, piece: bytes) -> None:
        """Refuse what stands outside the items, and a second array."""
        if piece.strip(_BETWEEN) or (self._ended and self._depth):
            raise Malformed("expected a stream to be one array of objects")


class ArrayEncoder:
    """The items of one JSON array."""

    def __init__(self) -> None:
        self._began = False

    def encode(self, event: SseEvent) -> bytes:
        lead, self._began = b",\n" if self._began else b"[", True
        return lead + event.data.encode()

    def end(self) -> bytes:
        return b"]" if self._began else b"[]"


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the event stream is not valid UTF-8") from error


SSE = Framing("text/event-stream", partial(SseDecoder, comments=True), SseEncoder)
LINES = Framing("application/x-ndjson", LineDecoder, LineEncoder)
JSON_ARRAY = Framing("application/json", ArrayDecoder, ArrayEncoder)
