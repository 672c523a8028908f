"""A streamed message says what the whole one says, however it is cut into deltas."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.dialects import CallReady, ChannelEnd, Item, OtherEvent, TextDelta, stream_reader
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseEvent
from gateway.words import Usage

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
SEALED = base64.b64encode(random.Random(7).randbytes(300)).decode()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def event(kind: str, **fields: Any) -> SseEvent:
    return SseEvent(json.dumps({"type": kind, **fields}), kind)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
)
FINISH = event(
    "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 15}
)
STOP = event("message_stop")
OPENINGS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"id": "toolu_1", "name": "send", "input": {}},
}
DELTAS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}
DELTAS["tool_use"] = ("input_json_delta", "partial_json")


def opened(index: int, kind: str, **fields: Any) -> SseEvent:
    return event(
        "content_block_start", index=index, content_block={"type": kind, **OPENINGS.get(kind, {}), **fields}
    )


def grown(index: int, kind: str, text: str) -> SseEvent:
    delta_type, name = DELTAS[kind]
    return event("content_block_delta", index=index, delta={"type": delta_type, name: text})


def closed(index: int) -> SseEvent:
    return event("content_block_stop", index=index)


def read(events: list[SseEvent]) -> list[Item]:
    reader = stream_reader("anthropic.messages")
    assert reader
    return [item for one in events for item in reader.read(one)] + reader.close()


def sent(items: list[Item]) -> list[dict[str, Any]]:
    """What the agent gets when everything is passed on, checked against the SDK's own types."""
    events = []
    for item in items:
        if isinstance(item, TextDelta):
            events.append(item.reshape(item.part.text))
        elif isinstance(item, CallReady):
            events += item.events({})
        elif isinstance(item, OtherEvent):
            events.append(item.event)
    documents = [json.loads(one.data) for one in events]
    for one, document in zip(events, documents, strict=True):
        assert one.event == document["type"]
        if document["type"] not in ("ping", "error"):
            EVENT.validate_python(document)
    return documents


def heard(documents: list[dict[str, Any]]) -> dict[int, list[Any]]:
    """What a client puts together: each block's type, its text, and whether it was closed."""
    blocks: dict[int, list[Any]] = {}
    for document in documents:
        if document["type"] == "content_block_start":
            blocks[document["index"]] = [document["content_block"], "", False]
        elif document["type"] == "content_block_delta":
            delta = document["delta"]
            blocks[document["index"]][1] += delta[DELTAS[blocks[document["index"]][0]["type"]][1]]
        elif document["type"] == "content_block_stop":
            blocks[document["index"]][2] = True
    return blocks


@st.composite
def streams(draw: st.DrawFn) -> list[SseEvent]:
    events = [START]
    for index, kind in enumerate(draw(st.lists(st.sampled_from(sorted(DELTAS)), max_size=4))):
        events.append(opened(index, kind))
        events += [grown(index, kind, piece) for piece in draw(st.lists(TEXT, max_size=5))]
        events += [event("ping")] * draw(st.integers(0, 1))
        events.append(closed(index))
    return [*events, FINISH, STOP]


@settings(max_examples=60)
@given(streams())
def test_any_cut_of_a_message_is_passed_on_whole(events: list[SseEvent]) -> None:
    assert heard(sent(read(events))) == heard([json.loads(one.data) for one in events])


@settings(max_examples=60)
@given(streams())
def test_every_string_that_is_passed_on_has_been_a_part(events: list[SseEvent]) -> None:
    syntax = {"", "content_block_delta", "content_block_start", "content_block_stop"}
    seen = syntax | {delta_type for delta_type, _ in DELTAS.values()}
    for item in read(events):
        seen |= {p.text for p in (item.parts if isinstance(item, (OtherEvent, CallReady)) else (item.part,))}
        assert {text for document in sent([item]) for text in strings(document)} <= seen


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in inner for text in strings(child)]


def test_a_recorded_stream_becomes_items() -> None:
    events = [
        START,
        event("ping"),
        opened(0, "thinking"),
        grown(0, "thinking", "hm"),
        event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": SEALED}),
        closed(0),
        opened(1, "text"),
        grown(1, "text", "Hi "),
        grown(1, "text", "Bob"),
        event(
            "content_block_delta",
            index=1,
            delta={
                "type": "citations_delta",
                "citation": {
                    "type": "char_location",
                    "cited_text": "see Bob",
                    "document_index": 0,
                    "document_title": "CV",
                    "start_char_index": 0,
                    "end_char_index": 3,
                    "file_id": None,
                },
            },
        ),
        closed(1),
        FINISH,
        STOP,
    ]
    items = read(events)
    sent(items)
    assert [type(item) for item in items] == [
        *(OtherEvent, OtherEvent, OtherEvent, TextDelta, ChannelEnd, OtherEvent, OtherEvent),
        *(OtherEvent, TextDelta, TextDelta, OtherEvent, ChannelEnd, OtherEvent, OtherEvent, OtherEvent),
    ]
    assert [part.place for part in items[5].parts] == ["structural", "structural"]
    assert "see Bob" in [part.text for part in items[10].parts]
    assert items[8].part.pointer == "/content/1/text"
    assert json.loads(items[11].reshape("held").data)["delta"] == {"type": "text_delta", "text": "held"}
    reader = stream_reader("anthropic.messages")
    for one in events:
        reader.read(one)
    found = reader.completion()
    assert (found.model, found.finish_reason, found.usage) == (
        "claude-sonnet-4-5",
        "end_turn",
        Usage(25, 15, 5),
    )


def test_a_tool_call_comes_whole_or_not_at_all() -> None:
    reader = stream_reader("anthropic.messages")
    reader.read(START)
    pieces = [
        opened(0, "tool_use"),
        *(grown(0, "tool_use", text) for text in ('{"to": "a\\u00', '40b.example"}')),
    ]
    assert [item for one in pieces for item in reader.read(one)] == []
    (call,) = reader.read(closed(0))
    assert isinstance(call, CallReady)
    assert (call.call.name, call.call.arguments) == ("send", {"to": "a@b.example"})
    assert call.call.pointers == ("/content/0/input",)
    assert [(part.text, part.place) for part in call.parts] == [
        ("tool_use", "structural"),
        ("toolu_1", "structural"),
        ("send", "structural"),
        ('{"to":"a@b.example"}', "value"),
    ]
    start, delta, stop = (json.loads(one.data) for one in call.events({"/content/0/input": '{"to":"<X>"}'}))
    assert start["content_block"] == {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {}}
    assert delta["delta"]["partial_json"] == '{"to":"<X>"}'
    assert stop == {"type": "content_block_stop", "index": 0}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "bash_tool_use", "id": "t", "name": "drop_database"},
        {"type": "computerToolUse", "id": "t", "name": "drop_database"},
        {"type": "hologram", "name": "drop_database", "input": {}},
        {"type": "text", "text": "", "name": "drop_database", "input": {"x": 1}},
    ],
)
def test_whatever_may_be_a_call_is_one(block: dict[str, Any]) -> None:
    begin = event("content_block_start", index=0, content_block=block)
    items = read([START, begin, closed(0), FINISH, STOP])
    (call,) = [item for item in items if isinstance(item, CallReady)]
    assert call.call.name == "drop_database"
    assert not any("drop_database" in item.event.data for item in items if isinstance(item, OtherEvent))


def test_the_input_of_a_streamed_call_is_one_json_text_that_shows_its_digits() -> None:
    pieces = [grown(0, "tool_use", text) for text in ('{"card": 4.1111111', '11111111e15, "n": 2.0}')]
    items = read([START, opened(0, "tool_use"), *pieces, closed(0), FINISH, STOP])
    (call,) = [item for item in items if isinstance(item, CallReady)]
    assert call.call.raw_json
    assert call.parts[-1].text == '{"card":4111111111111111,"n":2.0}'


def test_an_input_that_comes_with_the_start_of_its_block_is_kept() -> None:
    items = read(
        [START, opened(0, "server_tool_use", id="s", name="web_search", input={"q": "x"}), closed(0), STOP]
    )
    (call,) = [item for item in items if isinstance(item, CallReady)]
    assert call.call.arguments == {"q": "x"}
    assert json.loads(call.events({})[1].data)["delta"]["partial_json"] == '{"q":"x"}'


def test_results_of_server_tools_are_parts_of_their_frame() -> None:
    content = [
        {
            "type": "web_search_result",
            "title": "T",
            "url": "https://x.example",
            "encrypted_content": SEALED,
        }
    ]
    block = opened(0, "web_search_tool_result", tool_use_id="s", content=content)
    frame = read([START, block, closed(0), STOP])[1]
    found = {part.text: (part.role, part.kind) for part in frame.parts if part.place == "value"}
    assert found == {"T": ("tool", "tool_result"), "https://x.example": ("tool", "tool_result")}


def test_text_that_comes_with_the_start_of_its_block_is_part_of_the_channel() -> None:
    items = read([START, opened(0, "text", text="Hi "), grown(0, "text", "Bob"), closed(0), STOP])
    assert "".join(item.part.text for item in items if isinstance(item, TextDelta)) == "Hi Bob"
    assert "Hi" not in items[1].event.data


def test_unknown_fields_of_a_delta_are_parts_and_come_before_its_text() -> None:
    delta = {"type": "text_delta", "text": "x", "note": "a@b.example"}
    one = event("content_block_delta", index=0, delta=delta, more={"k": 12345678})
    items = read([START, opened(0, "text"), one, closed(0), STOP])
    assert [type(item) for item in items[2:4]] == [OtherEvent, TextDelta]
    found = {(part.text, part.place) for part in items[2].parts}
    assert {("a@b.example", "value"), ("note", "key"), ("more", "key"), ("12345678", "number")} <= found


def test_an_error_in_the_stream_ends_it() -> None:
    reader = stream_reader("anthropic.messages")
    for one in (START, opened(0, "text"), grown(0, "text", "x"), opened(1, "tool_use")):
        reader.read(one)
    end, frame = reader.read(event("error", error={"type": "overloaded_error", "message": "busy"}))
    assert isinstance(end, ChannelEnd)
    assert "busy" in [part.text for part in frame.parts]
    assert reader.close() == []


@pytest.mark.parametrize(
    "events",
    [
        [],
        [START],
        [START, FINISH],
        [START, START],
        [START, opened(0, "text"), STOP],
        [START, STOP, event("ping")],
        [FINISH],
        [SseEvent("[DONE]")],
        [SseEvent("[]")],
        [SseEvent('{"type":1}')],
        [START, SseEvent('{"type":"ping"}', "content_block_delta")],
        [START, event("message_teleport", tool_calls=[{"name": "f"}]), FINISH, STOP],
        [event("message_start", message={"content": [{"type": "tool_use"}]})],
        [START, opened(0, "text"), opened(0, "text")],
        [START, opened(0, "text"), closed(0), opened(0, "text"), closed(0), STOP],
        [START, opened(0, "text"), closed(0), grown(0, "text", "x"), STOP],
        [START, FINISH, opened(0, "text"), closed(0), STOP],
        [START, opened(0, "text"), FINISH, grown(0, "text", "x"), closed(0), STOP],
        [START, STOP, opened(0, "tool_use")],
        [START, event("error", error={"type": "x", "message": "y"}), opened(0, "tool_use")],
        [START, event("error", error="")],
        [START, event("error", error={"type": "x"}, content_block={"type": "tool_use", "name": "f"})],
        [START, event("error", error={"type": "x"}, tool_calls=[{"name": "f"}])],
        [START, opened(0, "tool_hologram"), closed(0), FINISH, STOP],
        [START, opened(0, "text", arguments="{}"), closed(0), FINISH, STOP],
        [START, opened(0, "text", tool_use={"name": "f"}), closed(0), FINISH, STOP],
        [START, opened(0, "text", input={}), closed(0), FINISH, STOP],
        [START, opened(0, "text", Text="x"), closed(0), FINISH, STOP],
        [
            START,
            opened(0, "text"),
            event("content_block_delta", index=0, delta={"type": "text_delta", "partial_json": "x"}),
            closed(0),
            STOP,
        ],
        [START, event("content_block_start", index=0, content_block={})],
        [START, event("content_block_start", content_block={"type": "text"})],
        [START, grown(0, "text", "x")],
        [START, closed(0)],
        [
            START,
            opened(0, "text"),
            event("content_block_delta", index=0, delta={"type": "new_delta", "args": "y"}),
            closed(0),
            FINISH,
            STOP,
        ],
        [
            START,
            opened(0, "text"),
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": [1]}),
        ],
        [START, opened(0, "text"), grown(0, "tool_use", "{}")],
        [START, opened(0, "tool_use"), grown(0, "text", "x")],
        [
            START,
            event("content_block_start", index=0, content_block={"type": "tool_use", "id": "x"}),
            closed(0),
        ],
    ],
)
def test_what_no_message_has_is_malformed(events: list[SseEvent]) -> None:
    with pytest.raises(Malformed):
        read(events)
