"""A streamed completion: each choice is a channel, and all that is left of a chunk is looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import (
    ChannelEnd,
    Item,
    Malformed,
    OtherEvent,
    SseEvent,
    TextDelta,
    json_event,
    stream_reader,
)

DONE = SseEvent("[DONE]")


def chunk(text: str, finish: str | None = None, index: int = 0, **more: Any) -> SseEvent:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
    return json_event({"id": "c", "object": "text_completion", "model": "m", "choices": [choice], **more})


def items_of(events: list[SseEvent]) -> list[Item]:
    reader = stream_reader("openai.completions")
    assert reader is not None
    return [item for event in events for item in reader.read(event)] + reader.close()


def told(events: list[SseEvent]) -> dict[int, tuple[str, str | None]]:
    """What a client puts together: text and finish reason of each choice."""
    found: dict[int, tuple[str, str | None]] = {}
    for event in events:
        for choice in json.loads(event.data)["choices"] if event.data != "[DONE]" else ():
            text, finish = found.get(choice["index"], ("", None))
            found[choice["index"]] = (text + choice["text"], choice["finish_reason"] or finish)
    return found


@st.composite
def streams(draw: st.DrawFn) -> list[SseEvent]:
    waiting = {
        index: draw(st.lists(st.text(max_size=5), max_size=5)) for index in range(draw(st.integers(1, 3)))
    }
    events = []
    while waiting:
        index = draw(st.sampled_from(sorted(waiting)))
        text = waiting[index].pop(0) if waiting[index] else ""
        over = not waiting[index]
        events.append(chunk(text, "stop" if over else None, index))
        if over:
            del waiting[index]
    return [*events, DONE]


@settings(max_examples=60)
@given(streams())
def test_any_cut_of_a_completion_is_passed_on_whole(events: list[SseEvent]) -> None:
    out = []
    for item in items_of(events):
        if isinstance(item, TextDelta):
            out.append(item.reshape(item.part.text))
        elif isinstance(item, OtherEvent):
            out.append(item.event)
    assert told(out) == told(events)
    assert out[-1] == DONE


def test_a_channel_ends_before_its_choice_does() -> None:
    kinds = [type(item) for item in items_of([chunk("a"), chunk("b", "stop"), DONE])]
    assert kinds == [OtherEvent, TextDelta, TextDelta, ChannelEnd, OtherEvent, OtherEvent]


def test_unknown_fields_are_parts_and_probabilities_stand_in_no_event_of_a_text() -> None:
    event = chunk("a", "stop", note="alice@example.com")
    event = SseEvent(event.data.replace('"logprobs":null', '"logprobs":{"tokens":["a"]}'))
    items = items_of([event, DONE])
    assert "alice@example.com" in [
        p.text for item in items if isinstance(item, OtherEvent) for p in item.parts
    ]
    assert not any("tokens" in item.event.data for item in items if isinstance(item, OtherEvent))


@pytest.mark.parametrize(
    "events",
    [
        [chunk("a")],
        [chunk("a", "stop"), chunk("b"), DONE],
        [DONE, chunk("a")],
        [SseEvent("[]")],
        [json_event({"choices": [{"index": 0, "delta": {"content": "x"}}]}), DONE],
        [SseEvent(chunk("a").data, "odd")],
    ],
)
def test_what_no_completion_has_is_malformed(events: list[SseEvent]) -> None:
    with pytest.raises(Malformed):
        items_of(events)
