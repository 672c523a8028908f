"""A streamed chat completion says what the whole one says, however it is cut into deltas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from gateway.dialects import CallReady, ChannelEnd, Item, OtherEvent, TextDelta
from gateway.dialects.openai_chat.stream import OpenAIStream
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Usage

ENVELOPE = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1763800000,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DONE = SseEvent("[DONE]")
BOTH = {"function": {"name": "f", "arguments": "{}"}, "custom": {"name": "sh", "input": "ls"}}


def chunk(*choices: dict[str, Any], **more: Any) -> SseEvent:
    return SseEvent(json.dumps({**ENVELOPE, "choices": list(choices), **more}))


def choice(delta: dict[str, Any], index: int = 0, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **more}


def read(events: list[SseEvent]) -> list[Item]:
    reader = OpenAIStream()
    assert reader
    return [item for event in events for item in reader.read(event)] + reader.close()


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
    assert events[-1] == DONE
    documents = [json.loads(event.data) for event in events[:-1]]
    for document in documents:
        ChatCompletionChunk.model_validate(document)
    return documents


def heard(documents: list[dict[str, Any]]) -> dict[Any, Any]:
    """What a client puts together from chunks."""
    found: dict[Any, Any] = {}
    for document in documents:
        for one in document["choices"]:
            index, delta = one["index"], one["delta"]
            for key in ("content", "refusal", "reasoning_content", "mystery"):
                if delta.get(key):
                    found[index, key] = found.get((index, key), "") + delta[key]
            for item in [
                *(delta.get("reasoning_details") or []),
                {"index": -1, **(delta.get("audio") or {})},
            ]:
                if told := item.get("text") or item.get("transcript"):
                    found[index, item["index"]] = found.get((index, item["index"]), "") + told
            for call in delta.get("tool_calls") or []:
                slot = found.setdefault((index, "call", call["index"]), {"name": "", "arguments": ""})
                for key in slot:
                    slot[key] += call.get("function", {}).get(key) or ""
            if one.get("finish_reason"):
                found[index, "finish"] = one["finish_reason"]
        if document.get("usage"):
            found["usage"] = document["usage"]
    return found


@st.composite
def streams(draw: st.DrawFn) -> list[SseEvent]:
    """Interleaved choices with text, tool calls in pieces, finish reasons alone or with the last delta."""
    pending: list[list[SseEvent]] = []
    for index in range(draw(st.integers(1, 3))):
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": draw(st.none() | st.just("") | TEXT)}
        ]
        for key in draw(
            st.lists(st.sampled_from(["content", "refusal", "reasoning_content", "mystery"]), max_size=6)
        ):
            deltas.append({key: draw(TEXT)})
            if draw(st.booleans()):
                kind, place = draw(st.sampled_from(["reasoning.text", "other"])), draw(st.integers(0, 1))
                item = {"type": kind, "index": place, "text": draw(TEXT)}
                deltas.append({"reasoning_details": [item], "audio": {"transcript": draw(TEXT)}})
        for slot in range(draw(st.integers(0, 2))):
            function = {"name": f"tool{slot}", "arguments": ""}
            deltas.append(
                {"tool_calls": [{"index": slot, "id": f"c{slot}", "type": "function", "function": function}]}
            )
            for piece in draw(st.lists(TEXT, max_size=4)):
                deltas.append({"tool_calls": [{"index": slot, "function": {"arguments": piece}}]})
        events = [chunk(choice(delta, index), obfuscation="pad") for delta in deltas]
        if draw(st.booleans()):
            events.append(chunk(choice({}, index, "stop")))
        else:
            events[-1] = chunk(choice(deltas[-1], index, "stop"))
        pending.append(events)
    order = draw(st.permutations([i for i, events in enumerate(pending) for _ in events]))
    merged = [pending[i].pop(0) for i in order]
    if draw(st.booleans()):
        merged.append(chunk(usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}))
    return [*merged, DONE]


@settings(max_examples=60)
@given(streams())
def test_any_cut_of_a_completion_is_passed_on_whole(events: list[SseEvent]) -> None:
    items = read(events)
    assert heard(sent(items)) == heard([json.loads(event.data) for event in events[:-1]])


@settings(max_examples=60)
@given(streams())
def test_every_string_that_is_passed_on_has_been_a_part(events: list[SseEvent]) -> None:
    items = read(events)
    seen = {"", "tool_calls"}
    for item in items:
        seen |= {p.text for p in (item.parts if isinstance(item, (OtherEvent, CallReady)) else (item.part,))}
        before = len(seen)
        if isinstance(item, OtherEvent) and item.document is None:
            continue
        documents = sent([item, OtherEvent(DONE, None, ())])
        assert {text for document in documents for text in strings(document)} <= seen
        assert len(seen) == before


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in inner for text in strings(child)]


@settings(max_examples=60)
@given(streams())
def test_every_channel_is_ended_before_its_choice_finishes(events: list[SseEvent]) -> None:
    open_channels: set[str] = set()
    for item in read(events):
        if isinstance(item, TextDelta):
            open_channels.add(item.channel)
        elif isinstance(item, ChannelEnd):
            open_channels.remove(item.channel)
        elif isinstance(item, OtherEvent) and item.document:
            ended = [c["index"] for c in item.document["choices"] if c.get("finish_reason")]
            assert not [name for name in open_channels if int(name.split("/")[0]) in ended]
    assert not open_channels


def test_a_recorded_stream_becomes_items() -> None:
    events = [
        chunk(choice({"role": "assistant", "content": "", "refusal": None}), usage=None, obfuscation="Xy7"),
        chunk(choice({"content": "Hello"}), usage=None, obfuscation="Xy7"),
        chunk(choice({"content": " Bob"}), usage=None, obfuscation="Xy7"),
        chunk(choice({}, finish="stop"), usage=None, obfuscation="Xy7"),
        chunk(usage={"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}),
        DONE,
    ]
    items = read(events)
    assert [type(item) for item in items] == [
        OtherEvent,
        TextDelta,
        TextDelta,
        ChannelEnd,
        OtherEvent,
        OtherEvent,
        OtherEvent,
    ]
    assert items[1].channel == "0/content"
    assert items[1].part.pointer == "/choices/0/message/content"
    assert json.loads(items[3].reshape("held").data)["choices"][0]["delta"] == {"content": "held"}
    reader = OpenAIStream()
    for event in events:
        reader.read(event)
    found = reader.completion()
    assert (found.model, found.finish_reason, found.usage) == ("gpt-4o-2024-08-06", "stop", Usage(12, 34))


def test_a_tool_call_comes_whole_or_not_at_all() -> None:
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "send", "arguments": ""}}
    events = [
        chunk(choice({"role": "assistant", "content": None, "tool_calls": [first]})),
        chunk(choice({"tool_calls": [{"index": 0, "function": {"arguments": '{"to":'}}]})),
        chunk(choice({"tool_calls": [{"index": 0, "function": {"arguments": '"a@b.example"}'}}]})),
    ]
    reader = OpenAIStream()
    held = [item for event in events for item in reader.read(event)]
    assert [type(item) for item in held] == [OtherEvent]
    assert "send" not in held[0].event.data
    call, end = reader.read(chunk(choice({}, finish="tool_calls")))
    assert isinstance(call, CallReady)
    assert isinstance(end, OtherEvent)
    assert (call.call.name, call.call.arguments) == ("send", {"to": "a@b.example"})
    assert [(part.text, part.kind, part.place) for part in call.parts] == [
        ("call_1", "tool_call", "structural"),
        ("function", "tool_call", "structural"),
        ("send", "tool_call", "structural"),
        ('{"to":"a@b.example"}', "tool_call", "value"),
    ]
    (event,) = call.events({call.call.pointers[0]: '{"to":"<X>"}'})
    (sent_call,) = json.loads(event.data)["choices"][0]["delta"]["tool_calls"]
    assert sent_call == {**first, "function": {"name": "send", "arguments": '{"to":"<X>"}'}}


def test_legacy_function_calls_and_custom_tools_come_whole() -> None:
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sh", "input": "l"}}
    items = read(
        [
            chunk(choice({"function_call": {"name": "f", "arguments": "{"}})),
            chunk(choice({"function_call": {"arguments": "}"}, "tool_calls": [custom]})),
            chunk(choice({"tool_calls": [{"index": 0, "custom": {"input": "s"}}]}, finish="tool_calls")),
            DONE,
        ]
    )
    calls = [item.call for item in items if isinstance(item, CallReady)]
    assert [(call.name, call.arguments) for call in calls] == [("f", {}), ("sh", {"input": "ls"})]


def test_extras_of_a_tool_call_are_its_parts() -> None:
    call = {
        "index": 0,
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"note": "n"}},
    }
    items = read([chunk(choice({"tool_calls": [call]}, finish="stop")), DONE])
    (ready,) = [item for item in items if isinstance(item, CallReady)]
    assert {"extra_content", "google", "note", "n"} <= {part.text for part in ready.parts}


def test_token_probabilities_stand_in_no_event_of_a_text() -> None:
    probabilities = {"content": [{"token": "se", "bytes": [115, 101], "logprob": 0, "top_logprobs": []}]}
    items = read([chunk(choice({"content": "se"}, finish="stop", logprobs=probabilities)), DONE])
    assert "115" not in json.dumps(sent(items))


def test_unknown_fields_of_a_chunk_are_parts_and_come_before_its_text() -> None:
    items = read(
        [chunk(choice({"content": "x"}, finish="stop", note="a@b.example"), vendor={"k": 12345678}), DONE]
    )
    assert [type(item) for item in items] == [OtherEvent, TextDelta, ChannelEnd, OtherEvent, OtherEvent]
    found = {(part.text, part.place) for part in items[0].parts}
    assert {("a@b.example", "value"), ("note", "key"), ("vendor", "key"), ("12345678", "number")} <= found


def test_an_error_in_the_stream_ends_it() -> None:
    reader = OpenAIStream()
    reader.read(chunk(choice({"content": "x"})))
    end, frame = reader.read(SseEvent('{"error":{"message":"busy","type":"server_error"}}'))
    assert isinstance(end, ChannelEnd)
    assert "busy" in [part.text for part in frame.parts]
    assert reader.close() == []


@pytest.mark.parametrize("error", ["", {}, [], False, 0, None])
def test_an_error_that_says_nothing_hides_nothing(error: Any) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "drop", "arguments": "{}"}}
    events = [
        chunk(choice({"content": "bob@"}), error=error),
        chunk(choice({"tool_calls": [call]}, finish="tool_calls"), error=error),
        DONE,
    ]
    items = read(events)
    assert [item.part.text for item in items if isinstance(item, TextDelta)] == ["bob@"]
    assert [item.call.name for item in items if isinstance(item, CallReady)] == ["drop"]
    assert not any("drop" in item.event.data for item in items if isinstance(item, OtherEvent))


def test_an_error_may_come_as_a_chunk_that_says_nothing() -> None:
    reader = OpenAIStream()
    reader.read(chunk(choice({"content": "x"})))
    end, frame = reader.read(
        chunk(choice({"role": "assistant", "content": ""}, finish="error"), error={"message": "busy"})
    )
    assert isinstance(end, ChannelEnd)
    assert "busy" in [part.text for part in frame.parts]
    assert [item.event for item in reader.read(DONE)] == [DONE]


def test_what_comes_after_a_finish_reason_may_say_nothing_more() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    last = chunk(choice({"role": "assistant", "content": ""}, finish="stop"), usage=usage)
    items = read([chunk(choice({"content": "x"}, finish="stop")), chunk(choice({})), last, DONE])
    assert sent(items)[-1]["usage"] == usage


def test_an_empty_finish_reason_finishes_nothing() -> None:
    deltas = [chunk(choice({"content": text}, finish=None if text else "stop")) for text in ("a", "b", "")]
    deltas[0] = SseEvent(deltas[0].data.replace('"finish_reason": null', '"finish_reason": ""'))
    items = read([*deltas, DONE])
    assert [type(item) for item in items if not isinstance(item, OtherEvent)] == [
        TextDelta,
        TextDelta,
        ChannelEnd,
    ]


def test_text_in_the_items_of_a_list_is_a_channel_of_each() -> None:
    def details(*items: dict[str, Any]) -> SseEvent:
        return chunk(choice({"reasoning_details": list(items)}))

    first = {"type": "reasoning.text", "index": 0, "text": "bob."}
    second = {"type": "reasoning.summary", "index": 1, "summary": "s", "signature": "sig"}
    events = [
        details(first, second),
        details({**first, "text": "new@"}),
        details({**first, "text": "corp.org"}),
        chunk(choice({"reasoning": {"content": "x"}})),
        chunk(choice({}, finish="stop")),
        DONE,
    ]
    items = read(events)
    texts: dict[str, str] = {}
    for item in items:
        if isinstance(item, TextDelta):
            texts[item.channel] = texts.get(item.channel, "") + item.part.text
    assert texts == {
        "0/reasoning_details/0/text": "bob.new@corp.org",
        "0/reasoning_details/1/summary": "s",
        "0/reasoning/content": "x",
    }
    others = [item for item in items if isinstance(item, OtherEvent)]
    opening, signature, *rest = others
    assert {"reasoning.text", "reasoning.summary"} <= {part.text for part in opening.parts}
    assert "sig" in {part.text for part in signature.parts}
    assert len(rest) == 3  # reasoning's name, finish, [DONE]
    merged: dict[int, str] = {}
    for document in sent(items):
        for one in document["choices"]:
            for detail in one["delta"].get("reasoning_details") or []:
                told = merged.get(detail["index"], "")
                merged[detail["index"]] = told + (detail.get("text") or detail.get("summary") or "")
    assert merged == {0: "bob.new@corp.org", 1: "s"}


def test_a_signature_follows_the_words_that_it_signs() -> None:
    detail = {"type": "reasoning.text", "index": 0, "text": "Hm.", "signature": "sig", "format": "x"}
    items = read([chunk(choice({"reasoning_details": [detail]})), chunk(choice({}, finish="stop")), DONE])
    shape, text, end, signature, *_ = items
    assert isinstance(shape, OtherEvent)
    assert "sig" not in shape.event.data
    assert isinstance(text, TextDelta)
    assert isinstance(end, ChannelEnd)
    assert isinstance(signature, OtherEvent)
    (seal,) = signature.signed
    assert (seal.at, seal.texts) == ("/choices/0/delta/reasoning_details/0", {"0/reasoning_details/0/text"})
    assert seal.withheld["signature"] == WITHHELD


def test_text_in_lists_inside_lists_is_a_channel_whose_heads_are_said_first() -> None:
    def step(kind: str, text: str) -> SseEvent:
        return chunk(choice({"trace": [{"type": kind, "steps": [{"type": "text", "text": text}]}]}))

    items = read(
        [step("a", "bob.new@"), step("a", "corp"), step("b", ".org"), chunk(choice({}, finish="stop")), DONE]
    )
    texts = [item for item in items if isinstance(item, TextDelta)]
    assert [item.part.text for item in texts] == ["bob.new@", "corp", ".org"]
    assert {item.channel for item in texts} == {"0/trace/0/steps/0/text"}
    said = [{part.text for part in item.parts} for item in items if isinstance(item, OtherEvent)]
    assert {"trace", "steps", "a", "text"} <= said[0]
    assert "b" in said[1]  # another head is no part of a shape before it was looked at
    assert not any("corp" in item.event.data for item in items if isinstance(item, OtherEvent))
    carried = [json.loads(item.reshape("x").data)["choices"][0]["delta"] for item in texts]
    assert carried[1] == {"trace": [{"type": "a", "steps": [{"type": "text", "text": "x"}]}]}


def test_items_without_an_index_are_told_apart_by_their_order() -> None:
    events = [
        chunk(choice({"reasoning_details": [{"type": "reasoning.text", "text": text}]}))
        for text in ("bob.new@", "corp.org")
    ]
    items = read([*events, chunk(choice({}, finish="stop")), DONE])
    found = [item.part.text for item in items if isinstance(item, TextDelta)]
    assert found == ["bob.new@", "corp.org"]
    assert not any("corp.org" in item.event.data for item in items if isinstance(item, OtherEvent))


def test_annotations_stay_whole() -> None:
    note = {"type": "url_citation", "text": "t", "url_citation": {"url": "https://x.example", "title": "T"}}
    (frame,) = read([chunk(choice({"annotations": [note]})), chunk(choice({}, finish="stop")), DONE])[:1]
    assert json.loads(frame.event.data)["choices"][0]["delta"]["annotations"] == [note]


def test_only_json_arguments_are_called_json() -> None:
    calls = [
        {"index": 0, "function": {"name": "f", "arguments": '{"a":1}'}},
        {"index": 1, "function": None, "custom": {"name": "sh", "input": 'ls "x"'}},
        {"index": 2, "function": {"name": "", "arguments": ""}, "custom": {"name": "sh", "input": "l"}},
        {"index": 3, "function": {"name": "g", "arguments": {"a": "b"}}},
    ]
    items = read([chunk(choice({"tool_calls": calls}, finish="tool_calls")), DONE])
    found = [item.call for item in items if isinstance(item, CallReady)]
    at = "/choices/0/message/tool_calls"
    assert [(call.name, call.raw_json, call.pointers) for call in found] == [
        ("f", True, (f"{at}/0/function/arguments",)),
        ("sh", False, (f"{at}/1/custom/input",)),
        ("sh", False, (f"{at}/2/custom/input",)),
        ("g", False, (f"{at}/3/function/arguments/a",)),
    ]


def test_a_stream_without_its_marker_is_complete_once_every_choice_is() -> None:
    reader = OpenAIStream()
    reader.read(chunk(choice({"content": "x"}, finish="stop")))
    assert reader.close() == []


@pytest.mark.parametrize(
    "events",
    [
        [],
        [chunk(choice({"content": "x"}))],
        [chunk(choice({"content": "x"}, finish="stop"), choice({"content": "y"}, index=1))],
        [DONE, chunk()],
        [SseEvent("nonsense")],
        [SseEvent("[]")],
        [SseEvent('{"type":"message_start"}')],
        [SseEvent('{"choices":[1]}')],
        [chunk(choice({"content": "x"}, finish="length")), chunk(choice({"content": "y"})), DONE],
        [chunk(choice({"content": "x"}, finish="stop"), choice({"content": "y"})), DONE],
        [chunk(choice({}, finish="stop")), chunk(choice({"tool_calls": [{"index": 0}]})), DONE],
        [chunk(choice({}, finish="stop")), chunk(choice({"reasoning_details": [{"text": "x"}]})), DONE],
        [chunk(choice({"content": "x"}), error="busy")],
        [chunk(choice({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), error={"code": 1})],
        [chunk({"index": 0, "message": {"content": "x"}}, error={"code": 1})],
        [chunk(error={"code": 1}, tool_calls=[{"function": {"name": "f"}}])],
        [chunk(error={"code": 1}), chunk(choice({"content": "x"})), DONE],
        [chunk(choice({"tool_use": {"name": "f"}})), DONE],
        [chunk(choice({}, function_call={"name": "f"})), DONE],
        [chunk(choice({}), toolCalls=[{"name": "f"}]), DONE],
        [chunk(choice({"content": "x"}), Model="x"), DONE],
        [chunk(choice({"Content": ["x"]})), DONE],
        [chunk(choice({"tool_calls": [{"index": 0, **BOTH}]}, finish="tool_calls")), DONE],
        [SseEvent("{}", event="thread.run.created")],
        [chunk({"index": 0, "message": {"content": "x"}})],
        [chunk({"index": 0, "text": "x"})],
        [chunk(choice({"content": [{"type": "text", "text": "x"}]}))],
        [chunk(choice({"tool_calls": {"0": {}}}))],
        [chunk(choice({"tool_calls": [{"function": {"name": "f"}}]}))],
        [chunk(choice({"tool_calls": [{"index": 0, "function": {"arguments": {"a": 1}}}]}))],
        [
            chunk(choice({"tool_calls": [{"index": 0, "id": "a"}]})),
            chunk(choice({"tool_calls": [{"index": 0, "id": "b"}]})),
        ],
        [chunk(choice({"tool_calls": [{"index": 0, "type": "teleport"}]}, finish="stop"))],
        [chunk(choice({"function_call": "f"}))],
        [chunk(choice({}, index=-1))],
        [chunk(choice({}, finish={"a": 1}))],
    ],
)
def test_what_no_chat_completion_has_is_malformed(events: list[SseEvent]) -> None:
    with pytest.raises(Malformed):
        read(events)


@pytest.mark.parametrize(("name", "told"), [("ping", "ping"), ("a.b_c", "a.b_c"), ("jane-4111111", "")])
def test_the_name_of_an_event_goes_on_where_it_holds_no_value(name: str, told: str) -> None:
    (item,) = OpenAIStream().read(SseEvent('{"a": 1}', name))
    assert isinstance(item, OtherEvent)
    assert (item.event.event, item.unknown) == (told, (told or "event",))
