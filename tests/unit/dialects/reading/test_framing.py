"""A stream is framed in three ways, and each decodes to the same events however its bytes are cut."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.framing import JSON_ARRAY, LINES, SSE, Framing
from gateway.dialects.reading.sse import SseEvent

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ['"', "\\", "[{", '"}]']
)
OBJECTS = st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT), max_size=3)
FRAMINGS = [SSE, LINES, JSON_ARRAY]


def decoded(framing: Framing, raw: bytes, cuts: list[int]) -> list[Any]:
    decoder = framing.decoder(10_000)
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[start:end] for start, end in itertools.pairwise(edges)]
    return [json.loads(event.data) for chunk in chunks for event in decoder.feed(chunk)]


@settings(max_examples=60)
@given(st.sampled_from(FRAMINGS), st.lists(OBJECTS, max_size=4), st.lists(st.integers(0, 200), max_size=9))
def test_events_are_the_same_however_the_bytes_are_cut(
    framing: Framing, documents: list[Any], cuts: list[int]
) -> None:
    encoder = framing.encoder()
    raw = b"".join(encoder.encode(SseEvent(json.dumps(one))) for one in documents) + encoder.end()
    assert decoded(framing, raw, cuts) == documents


def test_an_array_may_be_spread_over_lines() -> None:
    raw = b'[{\n  "a": "]["\n}\n,\r\n{"b": {"c": [1]}}\n]\n'
    for size in range(1, len(raw)):
        cuts = list(range(0, len(raw), size))
        assert decoded(JSON_ARRAY, raw, cuts) == [{"a": "]["}, {"b": {"c": [1]}}]


@pytest.mark.parametrize("raw", [b'{"a": 1}', b"[1]", b'["a"]', b"[]{}", b"[] []", b'[{"a": 1}] x', b"null"])
def test_what_is_no_array_of_objects_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        JSON_ARRAY.decoder(100).feed(raw)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_event_has_a_limit(framing: Framing) -> None:
    encoder, decoder = framing.encoder(), framing.decoder(50)
    with pytest.raises(Malformed):
        decoder.feed(encoder.encode(SseEvent(json.dumps({"a": "x" * 60}))))
    with pytest.raises(Malformed):
        framing.decoder(50).feed(b'[{"a": "' + b"x" * 60)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_bytes_that_are_no_text_are_malformed(framing: Framing) -> None:
    with pytest.raises(Malformed):
        framing.decoder(50).feed(b'[{"a": "\xff"}\n')
