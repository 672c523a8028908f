"""Amazon's event streams: binary frames with checksums, as events, and events as such frames.

A frame: the lengths of all of it and of its headers, a CRC of both, the headers, the payload, a CRC of all.
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.framing import Framing
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event

MEDIA_TYPE = "application/vnd.amazon.eventstream"
_EXCEPTION = "!"  # before the name of an event that is an exception
_PRELUDE, _CRC = struct.Struct(">III"), struct.Struct(">I")
_AROUND = _PRELUDE.size + _CRC.size
_MOST_HEADERS = 128 * 1024  # bytes
_SIZES: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # of values, by their type
_BYTES, _STRING = 6, 7  # types of values with a length before them
_CHUNK = "chunk"


def exception(name: str, document: Any) -> SseEvent:
    """Return the event that ends a stream as an exception of this name."""
    return json_event(document, f"{_EXCEPTION}{name}")


def is_exception(event: SseEvent) -> bool:
    return event.event.startswith(_EXCEPTION)


class FrameDecoder:
    """Events out of frames. One of more than `limit` bytes is Malformed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting = bytearray()

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that `chunk` completes. Raises Malformed, for a wrong checksum, too."""
        self._waiting += chunk
        return list(self._events())

    def _events(self) -> Iterator[SseEvent]:
        done = 0
        while len(self._waiting) - done >= _PRELUDE.size:
            size, headers, check = _PRELUDE.unpack_from(self._waiting, done)
            if crc32(self._waiting[done : done + 8]) != check:
                raise Malformed("the checksum of a frame's lengths does not fit")
            if not headers + _AROUND <= size <= self._limit or headers > _MOST_HEADERS:
                raise Malformed(f"a frame is longer than {self._limit} bytes, or shorter than its headers")
            if len(self._waiting) - done < size:
                break
            frame = bytes(self._waiting[done : done + size])
            if crc32(frame[: -_CRC.size]) != _CRC.unpack(frame[-_CRC.size :])[0]:
                raise Malformed("the checksum of a frame does not fit")
            done += size
            yield _event(frame[_PRELUDE.size : _PRELUDE.size + headers], frame[_PRELUDE.size + headers : -4])
        del self._waiting[:done]


class FrameEncoder:
    """Frames of events."""

    def encode(self, event: SseEvent) -> bytes:
        kind = "exception" if is_exception(event) else "event"
        name = event.event.removeprefix(_EXCEPTION)
        said = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
        headers = b"".join(_header(*one) for one in said.items())
        payload = event.data.encode()
        lengths = struct.pack(">II", len(headers) + len(payload) + _AROUND, len(headers))
        frame = lengths + _CRC.pack(crc32(lengths)) + headers + payload
        return frame + _CRC.pack(crc32(frame))

    def end(self) -> bytes:
        return b""


class ChunkDecoder(FrameDecoder):
    """Events of a model's own API, each base64 in a chunk of a frame."""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        return [one if is_exception(one) else _unwrapped(one) for one in super().feed(chunk)]


class ChunkEncoder(FrameEncoder):
    """Chunks of such events."""

    def encode(self, event: SseEvent) -> bytes:
        if is_exception(event):
            return super().encode(event)
        return super().encode(json_event({"bytes": base64.b64encode(event.data.encode()).decode()}, _CHUNK))


def _event(headers: bytes, payload: bytes) -> SseEvent:
    """Return a frame's event. What else its headers say is not passed on."""
    said = dict[str, str]()
    for name, value in _headers(headers):
        if name in said:
            raise Malformed("a frame has a header twice")
        said[name] = value
    try:
        data = payload.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the payload of a frame is not valid UTF-8") from error
    kind = said.get(":message-type")
    if kind == "error":
        message = f"{said.get(':error-code', '')}: {said.get(':error-message', '')}"
        return exception("internalServerException", {"message": message})
    name = said.get(f":{kind}-type", "") if kind in ("event", "exception") else ""
    if not (name.isascii() and name.isalpha()):
        raise Malformed("expected a frame to be an event or an exception with a name")
    return SseEvent(data, f"{_EXCEPTION}{name}" if kind == "exception" else name)


def _headers(block: bytes) -> Iterator[tuple[str, str]]:
    """Yield the headers; the value of one that is no text is \"\". Raises Malformed."""
    at = 0
    try:
        while at < len(block):
            length = block[at]
            name, kind, at = block[at + 1 : at + 1 + length].decode(), block[at + 1 + length], at + length + 2
            size = _SIZES.get(kind)
            if size is None and kind in (_BYTES, _STRING):
                (size,) = struct.unpack_from(">H", block, at)
                at += 2
            if size is None or at + size > len(block):
                raise Malformed("a header of a frame is of no known type, or is cut off")
            yield name, block[at : at + size].decode() if kind == _STRING else ""
            at += size
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Malformed("the headers of a frame cannot be read") from error


def _header(name: str, value: str) -> bytes:
    said = value.encode()
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(said)) + said


def _unwrapped(event: SseEvent) -> SseEvent:
    """Return the event inside of a chunk. Its padding is not passed on."""
    document = parse(event.data.encode())
    if event.event != _CHUNK or not isinstance(document, dict):
        raise Malformed("expected a frame to be a chunk")
    try:
        return SseEvent(binascii.a2b_base64(str(document.get("bytes", "")), strict_mode=True).decode())
    except ValueError as error:  # of base64, and of UTF-8
        raise Malformed("expected a chunk to be text in base64") from error


FRAMES = Framing(MEDIA_TYPE, FrameDecoder, FrameEncoder)
CHUNKS = Framing(MEDIA_TYPE, ChunkDecoder, ChunkEncoder)
