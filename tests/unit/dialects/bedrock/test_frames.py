"""Frames are those of botocore; one with a wrong bit is none."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, exception
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseEvent

LIMIT = 1 << 20
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.sampled_from(["contentBlockDelta", "messageStop", "somethingNew", "!throttlingException"])


def frame(payload: bytes, *headers: tuple[str, int, bytes]) -> bytes:
    """A frame, put together as the specification says."""
    block = b"".join(
        bytes([len(name)]) + name.encode() + bytes([kind]) + value for name, kind, value in headers
    )
    lengths = struct.pack(">II", len(block) + len(payload) + 16, len(block))
    whole = lengths + struct.pack(">I", crc32(lengths)) + block + payload
    return whole + struct.pack(">I", crc32(whole))


def text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


def event(name: str, payload: bytes, *more: tuple[str, int, bytes]) -> bytes:
    return frame(payload, (":event-type", 7, text(name)), (":message-type", 7, text("event")), *more)


@settings(max_examples=150)
@given(st.lists(st.tuples(NAMES, TEXT), max_size=5))
def test_botocore_reads_what_is_written(said: list[tuple[str, str]]) -> None:
    encoder, buffer = FRAMES.encoder(), EventStreamBuffer()
    buffer.add_data(b"".join(encoder.encode(SseEvent(data, name)) for name, data in said))
    read = [(one.headers, one.payload.decode()) for one in buffer]
    assert [data for _, data in read] == [data for _, data in said]
    for (name, _), (headers, _) in zip(said, read, strict=True):
        kind = "exception" if name.startswith("!") else "event"
        assert headers[":message-type"] == kind
        assert headers[f":{kind}-type"] == name.removeprefix("!")


@settings(max_examples=150)
@given(
    st.lists(st.tuples(NAMES.filter(str.isalpha), TEXT), min_size=1, max_size=4),
    st.lists(st.integers(1, 40), min_size=1),
    st.data(),
)
def test_frames_are_read_as_botocore_reads_them_however_they_are_cut(
    said: list[tuple[str, str]], cuts: list[int], data: st.DataObject
) -> None:
    others = [("a", 0, b""), ("b", 3, b"\0\1"), ("c", 9, b"x" * 16), ("d", 6, text("zz")), ("e", 8, b"t" * 8)]
    raw = b"".join(
        event(name, payload.encode(), *data.draw(st.lists(st.sampled_from(others), unique=True)))
        for name, payload in said
    )
    decoder, events, at, step = FRAMES.decoder(LIMIT), [], 0, 0
    while at < len(raw):
        events += decoder.feed(raw[at : at + cuts[step % len(cuts)]])
        at, step = at + cuts[step % len(cuts)], step + 1
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    assert events == [SseEvent(one.payload.decode(), one.headers[":event-type"]) for one in buffer]


@given(st.data())
def test_a_frame_with_a_wrong_bit_says_nothing(data: st.DataObject) -> None:
    raw = bytearray(event("messageStop", b'{"stopReason": "end_turn"}'))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert FRAMES.decoder(LIMIT).feed(bytes(raw)) == []
    except Malformed:
        return


@pytest.mark.parametrize(
    "raw",
    [
        frame(b"{}", (":message-type", 7, text("event"))),
        frame(b"{}", (":event-type", 7, text("a/b")), (":message-type", 7, text("event"))),
        event("messageStop", b"{}", (":event-type", 7, text("other"))),
        event("messageStop", b"\xff"),
        event("messageStop", b"{}", ("x", 11, b"")),
        event("messageStop", b"{}", ("x", 7, b"\xff\xffa")),
        frame(b"{}", (":event-type", 6, text("messageStop")), (":message-type", 7, text("event"))),
    ],
)
def test_what_two_readers_could_take_for_two_things_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        FRAMES.decoder(LIMIT).feed(raw)


def test_a_frame_that_is_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(Malformed):
        FRAMES.decoder(100).feed(event("messageStop", b"x" * 200)[:12])


def test_an_error_becomes_an_exception() -> None:
    raw = frame(
        b"",
        (":message-type", 7, text("error")),
        (":error-code", 7, text("Broken")),
        (":error-message", 7, text("it broke")),
    )
    assert FRAMES.decoder(LIMIT).feed(raw) == [
        exception("internalServerException", {"message": "Broken: it broke"})
    ]


def chunk(document: Any) -> bytes:
    inside = base64.b64encode(json.dumps(document).encode()).decode()
    return event("chunk", json.dumps({"bytes": inside, "p": "abc"}).encode())


def test_chunks_are_what_is_in_them() -> None:
    decoder, encoder = CHUNKS.decoder(LIMIT), CHUNKS.encoder()
    (read,) = decoder.feed(chunk({"type": "ping"}))
    assert read == SseEvent('{"type": "ping"}')
    assert decoder.feed(encoder.encode(read)) == [read]
    failed = exception("throttlingException", {"message": "slowly"})
    assert decoder.feed(encoder.encode(failed)) == [failed]


@pytest.mark.parametrize("payload", [b"{}x", b"[]", b'{"bytes": "!"}', b'{"bytes": "/w=="}'])
def test_a_chunk_that_holds_no_text_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        CHUNKS.decoder(LIMIT).feed(event("chunk", payload))


def test_nothing_but_chunks_comes_in_chunks() -> None:
    with pytest.raises(Malformed):
        CHUNKS.decoder(LIMIT).feed(event("messageStop", b"{}"))
