"""Events are the same however their bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseDecoder, SseEvent, comment, encode

STREAM = (
    "\ufeff: hello\n\nevent: add\ndata: one\r\ndata:  two é😀\rid: 7\n\ndata\n\n"
    ": ping\r\n\r\nretry: 3000\ndata:x\nunknown: y\n\n\r\rdata: [DONE]\r\n\r\n"
).encode()
EVENTS = [
    SseEvent("one\n two é😀", "add", "7"),
    SseEvent(""),
    SseEvent("x", retry=3000),
    SseEvent("[DONE]"),
]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
DATA = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


def decode(chunks: list[bytes]) -> list[SseEvent]:
    decoder = SseDecoder(10_000)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def cut(body: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(body) + 1) for place in at), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(places)]


def test_a_stream_follows_the_standard() -> None:
    assert decode([STREAM]) == EVENTS


@given(st.lists(st.integers(min_value=0), max_size=40))
def test_any_chunking_gives_the_same_events(places: list[int]) -> None:
    assert decode(cut(STREAM, places)) == EVENTS


def test_single_bytes_give_the_same_events() -> None:
    assert decode([STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


@given(
    st.lists(st.builds(SseEvent, DATA, NAMES, NAMES, st.integers(-1, 10**8))),
    st.lists(st.integers(min_value=0)),
)
def test_encoded_events_are_read_back(events: list[SseEvent], places: list[int]) -> None:
    body = b"".join(encode(event) + comment("keep\nalive") for event in events)
    assert decode(cut(body, places)) == events


@pytest.mark.parametrize("field", [SseEvent("", event="a\nb"), SseEvent("", id="a\r")])
def test_a_name_cannot_smuggle_a_line(field: SseEvent) -> None:
    with pytest.raises(ValueError, match="line end"):
        encode(field)


@pytest.mark.parametrize("body", [b"data: x", b"data: x\n", b"data: \xc3", b"da", b"event: x\n"])
def test_an_event_that_is_cut_off_is_none(body: bytes) -> None:
    assert decode([body]) == []


def test_invalid_utf8_is_malformed() -> None:
    with pytest.raises(Malformed):
        SseDecoder(100).feed(b"data: \xff\n\n")


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 60, b"data: y\n", b"unknown: zzz\n"])
def test_an_event_over_the_limit_is_malformed(piece: bytes) -> None:
    decoder = SseDecoder(100)
    with pytest.raises(Malformed):
        [decoder.feed(piece) for _ in range(100)]


def test_comments_do_not_count_towards_the_limit() -> None:
    decoder = SseDecoder(100)
    for _ in range(100):
        assert decoder.feed(b": keep-alive\n\n: again\n") == []


@pytest.mark.parametrize("text", ["keep-alive", "OPENROUTER PROCESSING", "ping"])
def test_a_comment_of_words_is_told_where_it_is_wanted(text: str) -> None:
    raw = f"data: a\n\n: {text}\n\ndata: b\n\n".encode()
    told = SseDecoder(1000, comments=True).feed(raw)
    assert told == [SseEvent("a"), SseEvent("", comment=text), SseEvent("b")]
    assert b"".join(map(encode, told)) == raw
    assert SseDecoder(1000).feed(raw) == [SseEvent("a"), SseEvent("b")]


@pytest.mark.parametrize("text", ["a@b.example", "536-22-8743", "key=AKIA", "x" * 65, "\u0661\u0662"])
def test_a_comment_that_could_hold_a_value_is_not(text: str) -> None:
    assert SseDecoder(1000, comments=True).feed(f": {text}\n\n".encode()) == []
