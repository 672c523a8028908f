"""Converse streams: texts grow, calls are put together, and what does not fit is refused."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from gateway.dialects import (
    CallReady,
    ChannelEnd,
    Item,
    Malformed,
    OtherEvent,
    SseEvent,
    TextDelta,
    json_event,
)
from gateway.dialects.bedrock.stream import ConverseStream
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Usage

SEALED = base64.b64encode(random.Random(7).randbytes(504)).decode()
Said = tuple[str, dict[str, Any]]
START: Said = ("messageStart", {"role": "assistant", "p": "abcdef"})
HIDDEN = {"name": "drop_database", "input": {"table": "users"}}


def delta(index: int = 0, /, **said: Any) -> Said:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": said, "p": "abc"}


def text(piece: str, index: int = 0) -> Said:
    return delta(index, text=piece)


def begun(index: int, name: str = "read", **more: Any) -> Said:
    call = {"toolUseId": "t1", "name": name, **more}
    return "contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": call}}


def piece(raw: str, index: int) -> Said:
    return delta(index, toolUse={"input": raw})


def closed(index: int = 0) -> Said:
    return "contentBlockStop", {"contentBlockIndex": index}


def stopped(reason: str = "end_turn") -> Said:
    return "messageStop", {"stopReason": reason}


METADATA: Said = ("metadata", {"usage": {"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 2}})
END = (stopped(), METADATA)


def read(*events: Said) -> tuple[ConverseStream, list[Item]]:
    stream = ConverseStream()
    items = [item for name, document in events for item in stream.read(json_event(document, name))]
    return stream, [*items, *stream.close()]


def events_of(items: list[Item]) -> list[SseEvent]:
    """What goes out where nothing is changed."""
    out: list[SseEvent] = []
    for item in items:
        if isinstance(item, TextDelta):
            out.append(item.reshape(item.part.text))
        elif isinstance(item, CallReady):
            out += item.events({part.pointer: part.text for part in item.parts if part.place == "value"})
        elif isinstance(item, OtherEvent):
            out.append(item.event)
    return out


def test_a_message_goes_out_as_it_came_but_for_its_padding() -> None:
    said = [
        START,
        text("Hel"),
        text("lo"),
        delta(0, citation={"title": "t", "sourceContent": [{"text": "c"}]}),
        closed(),
        delta(1, reasoningContent={"text": "hm"}),
        delta(1, reasoningContent={"signature": SEALED}),
        closed(1),
        begun(2),
        piece('{"path": "a.txt"}', 2),
        closed(2),
        stopped("tool_use"),
        METADATA,
    ]
    stream, items = read(*said)
    bare = [(name, {key: value for key, value in document.items() if key != "p"}) for name, document in said]
    assert [(one.event, json.loads(one.data)) for one in events_of(items)] == bare
    completion = stream.completion()
    assert completion.finish_reason == "tool_use"
    assert completion.usage == Usage(7, 7, 2)


def test_texts_are_channels_of_their_blocks() -> None:
    _, items = read(START, text("a"), closed(), text("b", 1), delta(2, reasoningContent={"text": "c"}), *END)
    found = [(one.channel, one.part.kind, one.part.pointer) for one in items if isinstance(one, TextDelta)]
    at = "/output/message/content"
    assert found == [
        ("0/text", "text", f"{at}/0/text"),
        ("1/text", "text", f"{at}/1/text"),
        ("2/reasoning", "signed", f"{at}/2/reasoningContent/reasoningText/text"),
    ]
    assert [one.channel for one in items if isinstance(one, ChannelEnd)] == [
        "0/text",
        "1/text",
        "2/reasoning",
    ]


def test_a_call_is_ready_when_its_block_closes_and_not_before() -> None:
    stream = ConverseStream()
    before = [START, begun(0), piece('{"pa', 0), piece('th": "a\\u002etxt"}', 0)]
    held = [item for name, said in before for item in stream.read(json_event(said, name))]
    assert [type(item) for item in held] == [OtherEvent]
    (call,) = stream.read(json_event(closed(0)[1], "contentBlockStop"))
    assert isinstance(call, CallReady)
    assert (call.call.name, call.call.arguments) == ("read", {"path": "a.txt"})
    changed = call.events({"/output/message/content/0/toolUse/input": '{"path": "b"}'})
    assert json.loads(changed[1].data)["delta"] == {"toolUse": {"input": '{"path": "b"}'}}


@pytest.mark.parametrize("given", [{"path": "b"}, '{"path": "b"}'])
def test_the_input_of_a_start_is_what_is_judged_and_goes_out_once(given: Any) -> None:
    _, items = read(START, begun(0, input=given), closed(0), *END)
    (call,) = [item for item in items if isinstance(item, CallReady)]
    assert call.call.arguments == (given if isinstance(given, dict) else None)
    said = call.events({})
    assert "input" not in json.loads(said[0].data)["start"]["toolUse"]
    assert json.loads(json.loads(said[1].data)["delta"]["toolUse"]["input"]) == given


def test_an_empty_input_of_a_start_says_nothing() -> None:
    _, items = read(START, begun(0, input={}), piece('{"path": "b"}', 0), closed(0), *END)
    (call,) = [item for item in items if isinstance(item, CallReady)]
    assert call.call.arguments == {"path": "b"}


@pytest.mark.parametrize(
    ("events", "withheld"),
    [
        ((begun(1), piece('{"pa', 1), stopped("max_tokens")), 1),
        ((begun(1), piece('{"pa', 1), closed(1), stopped("max_tokens")), 1),
        ((begun(1), closed(1), stopped("malformed_tool_use")), 1),
        ((begun(1), closed(1), stopped("tool_use")), 0),
    ],
)
def test_a_call_that_was_cut_off_never_goes_out(events: tuple[Said, ...], withheld: int) -> None:
    stream, items = read(START, text("a"), closed(), *events)
    assert stream.completion().withheld_calls == withheld
    assert sum(isinstance(item, CallReady) for item in items) == 1 - withheld


def test_a_signature_may_be_withheld_with_its_text() -> None:
    _, items = read(
        START, delta(reasoningContent={"text": "a"}), delta(reasoningContent={"signature": SEALED}), *END
    )
    (seal,) = [one.signed[0] for one in items if isinstance(one, OtherEvent) and one.signed]
    assert seal.texts == {"0/reasoning"}
    assert (seal.at, seal.withheld) == ("/delta/reasoningContent", {"signature": WITHHELD})


def test_an_addition_passes_by_its_name() -> None:
    _, items = read(START, delta(hologram={"caption": "sea"}), ("somethingNew", {"a": "b"}), *END)
    assert [one.unknown for one in items if isinstance(one, OtherEvent) and one.unknown] == [
        ("hologram",),
        ("somethingNew",),
    ]


def test_an_exception_ends_it_without_the_calls_that_are_open() -> None:
    _, items = read(START, text("a"), begun(1), ("!throttlingException", {"message": "slowly"}))
    assert [type(item) for item in items] == [OtherEvent, TextDelta, ChannelEnd, OtherEvent]


@pytest.mark.parametrize(
    "events",
    [
        (text("a"),),
        (START, START),
        (START, text("a")),
        (START, *END, text("a")),
        (START, *END, stopped()),
        (START, closed(), *END),
        (START, text("a"), closed(), text("b"), *END),
        (START, begun(0), begun(0), *END),
        (START, text("a"), begun(0), *END),
        (START, text("a"), piece("{}", 0), *END),
        (START, piece("{}", 0), *END),
        (START, begun(0), text("a"), *END),
        (START, begun(0), delta(0, toolUse={"input": "{}", "name": "other"}), *END),
        (START, begun(0), delta(0, toolUse={"input": {}}), *END),
        (START, begun(0), piece("{}", 0), *END),
        (START, begun(0, arguments="{}"), *END),
        (START, begun(0, input={"a": 1}), piece('{"a": 1}', 0), closed(0), *END),
        (START, begun(0, function={"name": "f", "arguments": "{}"}), closed(0), *END),
        (START, begun(0, about={"toolUse": HIDDEN}), closed(0), *END),
        (START, delta(text="a", reasoningContent={"text": "b"}), *END),
        (START, delta(text=["a"]), *END),
        (START, delta(), *END),
        (START, delta(reasoningContent={"text": "a", "signature": SEALED}), *END),
        (START, delta(toolUse2=HIDDEN), *END),
        (START, delta(hologram={"type": "tool_call", **HIDDEN}), *END),
        (START, delta(citation={"toolUse": HIDDEN}), *END),
        (START, ("toolUse", HIDDEN), *END),
        (
            START,
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}, "toolUse": HIDDEN}),
            *END,
        ),
        (START, ("contentBlockStart", {"contentBlockIndex": 0, "start": {}, "toolUse": HIDDEN}), *END),
        (START, ("contentBlockDelta", {"contentBlockIndex": True, "delta": {"text": "a"}}), *END),
        (START, ("messageStop", {}), METADATA),
        (START, ("messageStop", {"stopReason": "end_turn", "toolUse": HIDDEN}), METADATA),
        (START, stopped(), ("metadata", {"trace": {"tool_calls": [HIDDEN]}})),
        (("messageStart", {"role": "assistant", "toolUse": HIDDEN}), *END),
        (START, ("!throttlingException", {"message": "a"}), text("a")),
        (START, ("!throttlingException", {"message": "a", "toolUse": HIDDEN})),
    ],
)
def test_what_two_clients_could_take_for_two_things_is_refused(events: tuple[Said, ...]) -> None:
    with pytest.raises(Malformed):
        read(*events)


def test_an_event_is_an_object() -> None:
    with pytest.raises(Malformed):
        ConverseStream().read(SseEvent("[]", "messageStart"))
