"""Where the text of an event stands in the whole response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects import Malformed
from gateway.dialects.openai_responses.event import (
    begun_texts,
    index_of,
    part_pointer,
    take_probabilities,
    text_event,
    text_pointer,
    tokens_event,
)

AT = {"output_index": 1, "content_index": 2, "summary_index": 3, "item_id": "i"}


@pytest.mark.parametrize(
    ("kind", "pointer"),
    [
        ("response.output_text.delta", "/output/1/content/2/text"),
        ("response.refusal.done", "/output/1/content/2/refusal"),
        ("response.reasoning_text.delta", "/output/1/content/2/text"),
        ("response.reasoning_summary_text.done", "/output/1/summary/3/text"),
        ("response.audio.transcript.delta", "/transcript"),
    ],
)
def test_a_text_has_a_place(kind: str, pointer: str) -> None:
    assert text_pointer({"type": kind, **AT}) == pointer


def test_a_part_has_a_place() -> None:
    assert part_pointer({"type": "response.content_part.added", **AT}) == "/output/1/content/2"
    assert part_pointer({"type": "response.reasoning_summary_part.done", **AT}) == "/output/1/summary/3"
    assert part_pointer({"type": "response.output_text.done", **AT}) is None


@pytest.mark.parametrize("index", [None, -1, True, "1", 1.0, 10**6])
def test_an_index_is_a_small_whole_number(index: Any) -> None:
    with pytest.raises(Malformed):
        index_of({"output_index": index})


def test_an_event_writes_a_text() -> None:
    event = text_event({"output_index": 1}, "response.output_text", "hi")
    assert event.event == "response.output_text.delta"
    assert json.loads(event.data) == {"type": event.event, "output_index": 1, "delta": "hi", "logprobs": []}
    assert "logprobs" not in json.loads(text_event({}, "response.refusal", "no").data)


def test_texts_that_an_item_or_a_part_begins_with_are_found() -> None:
    content = [
        {"type": "output_text", "text": "a"},
        {"type": "refusal", "refusal": "b"},
        {"type": "odd", "text": "c"},
    ]
    item = {"id": "m", "content": content, "summary": [{"type": "summary_text", "text": "d"}]}
    found = [*begun_texts({"type": "response.output_item.added", "output_index": 1, "item": item})]
    assert [(grows, holder[member]) for grows, _, holder, member in found] == [
        ("response.output_text", "a"),
        ("response.refusal", "b"),
        ("response.reasoning_summary_text", "d"),
    ]
    assert found[1][1] == {"output_index": 1, "item_id": "m", "content_index": 1}
    ((grows, head, *_),) = begun_texts({"type": "response.content_part.added", **AT, "part": content[0]})
    assert (grows, head) == ("response.output_text", AT)


def test_what_is_told_of_tokens_has_an_event_of_its_own() -> None:
    event = tokens_event({"output_index": 1}, "response.output_text", [{"token": "hi"}])
    told = {"output_index": 1, "delta": "", "logprobs": [{"token": "hi"}]}
    assert json.loads(event.data) == {"type": event.event, **told}


def test_probabilities_are_taken_out_by_their_places_and_padding_is_dropped() -> None:
    part = {"text": "hi", "logprobs": [{"token": "hi"}]}
    event: dict[str, Any] = {"obfuscation": "x", "part": part, "item": {"content": [{"logprobs": [1]}]}}
    assert take_probabilities(event) == {
        "/part/logprobs": [{"token": "hi"}],
        "/item/content/0/logprobs": [1],
    }
    assert event == {"part": {"text": "hi", "logprobs": []}, "item": {"content": [{"logprobs": []}]}}
