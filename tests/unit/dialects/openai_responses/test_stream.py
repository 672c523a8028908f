"""A streamed response says what the whole one says, however it is cut, and so does all that repeats it."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent

from gateway.dialects import CallReady, ChannelEnd, Item, Malformed, OtherEvent, SseEvent, TextDelta
from gateway.dialects.openai_responses.bodies import read_completion
from gateway.dialects.openai_responses.event import is_known
from gateway.dialects.openai_responses.stream import ResponseStream
from gateway.words import Usage
from tests.support import responses_wire as wire

EVENTS = {
    get_args(one.model_fields["type"].annotation)[0]: one
    for one in get_args(get_args(ResponseStreamEvent)[0])
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_every_event_of_the_sdk_is_known() -> None:
    assert [kind for kind in EVENTS if not is_known(kind)] == []
    assert not is_known("response.hologram.delta")
    assert not is_known("hologram")


def sse(document: dict[str, Any]) -> SseEvent:
    return SseEvent(json.dumps(document), document["type"])


def read(documents: list[dict[str, Any]]) -> list[Item]:
    reader = ResponseStream()
    return [item for one in documents for item in reader.read(sse(one))] + reader.close()


def sent(items: list[Item]) -> list[dict[str, Any]]:
    """What the agent gets when everything is passed on, checked against the SDK's own types."""
    events: list[SseEvent] = []
    for item in items:
        if isinstance(item, TextDelta):
            events.append(item.reshape(item.part.text))
        elif isinstance(item, CallReady):
            events += item.events({})
        elif isinstance(item, OtherEvent):
            events.append(item.event)
    documents = [json.loads(event.data) for event in events]
    for event, document in zip(events, documents, strict=True):
        assert event.event == document["type"]
        EVENTS[event.event].model_validate(document)
    return documents


def heard(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items that a client puts together from what is added and grows, without what repeats it."""
    items: list[dict[str, Any]] = []
    for one in documents:
        kind = one["type"]
        if kind == "response.output_item.added":
            items.append(one["item"])
        elif kind in ("response.content_part.added", "response.reasoning_summary_part.added"):
            held_in = "summary" if "summary" in kind else "content"
            items[one["output_index"]][held_in].append(one["part"])
        elif kind.endswith(".delta"):
            item = items[one["output_index"]]
            if "content_index" in one:
                holder = item["content"][one["content_index"]]
            else:
                holder = item["summary"][one["summary_index"]] if "summary_index" in one else item
            name = next(key for key in ("text", "refusal", "arguments", "input", "code") if key in holder)
            holder[name] += one["delta"]
        elif kind == "response.output_item.done" and "status" in one["item"]:
            items[one["output_index"]]["status"] = one["item"]["status"]
    return items


def calls() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            wire.function_call("send", '{"to": "x"}'),
            wire.function_call("none", ""),
            {"type": "custom_tool_call", "id": "c", "call_id": "c", "name": "sh", "input": "ls"},
            {"type": "mcp_call", "id": "m", "name": "f", "server_label": "s", "arguments": "{}"},
            {"type": "local_shell_call", "id": "l", "call_id": "l", "status": "completed"}
            | {"action": {"type": "exec", "command": ["ls"], "env": {}}},
        ]
    )


@st.composite
def responses(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Items of all kinds, each with an id of its own."""
    items = []
    for index in range(draw(st.integers(0, 4))):
        said = st.lists(TEXT, max_size=2)
        item = draw(
            st.builds(lambda texts, refused: wire.message(*texts, refused=refused), said, st.booleans())
            | st.builds(lambda texts: wire.reasoning(*texts), said)
            | calls()
        )
        items.append({**item, "id": f"{item['id']}{index}"})
    return items


@settings(max_examples=60)
@given(responses(), st.integers(1, 5), st.data())
def test_any_cut_of_a_response_is_passed_on_whole(
    items: list[dict[str, Any]], size: int, data: st.DataObject
) -> None:
    documents = wire.events(items, size)
    of_items = [[one for one in documents if one.get("output_index") == i] for i in range(len(items))]
    order = data.draw(st.permutations([i for i, events in enumerate(of_items) for _ in events]))
    mixed = [of_items[i].pop(0) for i in order]  # items by turns, as no client could index them
    found = read([*documents[:2], *mixed, documents[-1]])
    out = sent(found)
    opened = [one["output_index"] for one in out if one["type"] == "response.output_item.added"]
    told = heard([one for index in range(len(items)) for one in out if one.get("output_index") == index])
    assert told == items
    assert len(opened) == len(set(opened)) == len(items)
    assert out[-1]["response"] == documents[-1]["response"]


@settings(max_examples=60)
@given(responses(), st.integers(1, 5))
def test_the_calls_and_texts_are_those_of_the_whole_response(items: list[dict[str, Any]], size: int) -> None:
    found = read(wire.events(items, size))
    whole = read_completion(wire.document(items))
    assert [item.call for item in found if isinstance(item, CallReady)] == [*whole.tool_calls]
    texts: dict[str, str] = {}
    for item in found:
        if isinstance(item, TextDelta):
            texts[item.part.pointer] = texts.get(item.part.pointer, "") + item.part.text
    spoken = [part for part in whole.parts if part.kind in ("text", "signed") and part.place == "value"]
    said = {part.pointer: part.text for part in spoken if part.text}
    assert {pointer: text for pointer, text in texts.items() if text} == said


@settings(max_examples=60)
@given(responses(), st.integers(1, 5))
def test_what_repeats_a_text_is_filled_in_and_never_a_part(items: list[dict[str, Any]], size: int) -> None:
    """So a text is inspected once, and every repetition says what went out."""
    ended: dict[str, str] = {}
    open_texts: dict[str, str] = {}
    for item in read(wire.events(items, size)):
        if isinstance(item, TextDelta):
            open_texts[item.channel] = open_texts.get(item.channel, "") + item.part.text
        elif isinstance(item, ChannelEnd):
            ended[item.channel] = open_texts.pop(item.channel)
        elif isinstance(item, CallReady):
            ended |= {part.pointer: part.text for part in item.parts}
        else:
            assert isinstance(item, OtherEvent)
            for pointer, source in item.repeats.items():
                assert at(item.document, pointer) == ended[source]
            for part in item.parts:
                if part.kind in ("text", "signed") and part.place == "value":
                    assert part.text == ""
    assert not open_texts


def at(document: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document


@settings(max_examples=60)
@given(responses(), st.integers(1, 5))
def test_every_string_that_is_passed_on_has_been_a_part(items: list[dict[str, Any]], size: int) -> None:
    seen = {"", "assistant", "in_progress"}
    for item in read(wire.events(items, size)):
        if isinstance(item, (TextDelta, ChannelEnd)):
            seen.add(item.part.text)
            known = seen | {item.part.text}
        else:
            seen |= {part.text for part in item.parts}
            known = seen
        if isinstance(item, OtherEvent):
            known = known | {at(item.document, pointer) for pointer in item.repeats}
        for document in sent([item]):
            assert set(strings(document)) - known <= KINDS


KINDS = {
    f"{stem}.{what}"
    for stem in (
        *(
            "response.output_item",
            "response.output_text",
            "response.refusal",
            "response.reasoning_summary_text",
        ),
        *("response.function_call_arguments", "response.custom_tool_call_input"),
        *("response.mcp_call_arguments", "response.code_interpreter_call_code"),
    )
    for what in ("added", "delta", "done")
}


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in inner for text in strings(child)]


def test_a_call_is_held_from_its_first_event_to_its_last() -> None:
    items = [wire.function_call("send", '{"to": "b\\u0040x.example"}'), wire.message("done")]
    reader = ResponseStream()
    for one in wire.events(items, 3):
        found = reader.read(sse(one))
        if one.get("output_index") != 0:
            continue
        if one["type"] != "response.output_item.done":
            assert found == []
        else:
            ready, closing = found
    assert isinstance(ready, CallReady)
    assert (ready.call.name, ready.call.arguments) == ("send", {"to": "b@x.example"})
    assert ready.call.pointers == ("/output/0/arguments",)
    added, delta, done = (json.loads(event.data) for event in ready.events({"/output/0/arguments": "{}"}))
    assert (added["item"]["arguments"], delta["delta"], done["arguments"]) == ("", "{}", "{}")
    assert added["item"]["status"] == "in_progress"
    assert closing.repeats["/item/arguments"] == "/output/0/arguments"


def test_progress_and_results_of_a_call_follow_it() -> None:
    item = {
        "id": "ci",
        "type": "code_interpreter_call",
        "status": "completed",
        "code": "1",
        "container_id": "c",
    }
    item["outputs"] = [{"type": "logs", "logs": "mail b@x.example"}]
    documents = wire.events([item])
    at = {"item_id": "ci", "output_index": 0}
    documents.insert(4, {"type": "response.code_interpreter_call.interpreting", **at, "sequence_number": 3})
    ready, progress, closing, _ = read(documents)[2:]
    assert isinstance(ready, CallReady)
    assert ready.call.arguments == {"code": "1", "container_id": "c"}
    assert {part.kind for part in ready.parts if "mail" in part.text} == {"tool_result"}
    assert json.loads(ready.events({})[0].data)["item"]["outputs"] is None
    assert isinstance(progress, OtherEvent)
    assert isinstance(closing, OtherEvent)
    assert progress.event.event == "response.code_interpreter_call.interpreting"
    assert closing.repeats["/item/outputs/0/logs"] == "/output/0/outputs/0/logs"


def test_a_call_that_only_the_last_event_tells_of_is_decided_before_it() -> None:
    call = wire.function_call("drop", "{}")
    opened = [one for one in wire.events([call]) if "delta" not in one["type"] and "done" not in one["type"]]
    for documents in (opened, [opened[0], opened[-1]]):
        *_, ready, last = read(documents)
        assert isinstance(ready, CallReady)
        kinds = [event.event for event in ready.events({})]
        assert kinds[0] == "response.output_item.added"
        assert kinds[-1] == "response.output_item.done"
        assert isinstance(last, OtherEvent)
        assert last.event.event == "response.completed"


def test_an_item_of_an_unknown_type_is_held_like_a_call() -> None:
    item = {"id": "x", "type": "teleport", "to": "moon", "status": "completed"}
    (ready,) = [one for one in read(wire.events([item])) if isinstance(one, CallReady)]
    assert (ready.call.name, ready.call.arguments) == ("teleport", {"to": "moon"})


def test_a_text_that_differs_from_what_was_said_is_a_part_of_its_own() -> None:
    documents = wire.events([wire.message("Hi Bob")])
    documents[-1]["response"]["output"][0]["content"][0]["text"] = "Hi Eve"
    last = read(documents)[-1]
    assert isinstance(last, OtherEvent)
    assert "Hi Eve" in {part.text for part in last.parts if part.kind == "text"}
    assert last.repeats == {}


def test_texts_that_come_with_their_item_are_pieces_like_others() -> None:
    documents = [wire.events([])[0]]
    begun = {**wire.message("alice@exam"), "status": "in_progress"}
    documents.append({"type": "response.output_item.added", "output_index": 0, "item": begun})
    within = {"item_id": "msg_a", "output_index": 0, "content_index": 0}
    documents.append({"type": "response.output_text.delta", **within, "delta": "ple.com"})
    documents.append({"type": "response.output_item.done", "output_index": 0})
    documents[-1]["item"] = wire.message("alice@example.com")
    documents.append(
        {"type": "response.completed", "response": wire.document([wire.message("alice@example.com")])}
    )
    found = read(documents)
    assert "".join(one.part.text for one in found if isinstance(one, TextDelta)) == "alice@example.com"
    assert json.loads(found[1].event.data)["item"]["content"][0]["text"] == ""
    assert found[-1].repeats == {"/response/output/0/content/0/text": "/output/0/content/0/text"}


def test_what_stands_beside_a_delta_is_a_part_whenever_it_changes() -> None:
    within = {"output_index": 0, "content_index": 0, "delta": "x"}
    reader = ResponseStream()
    passed: list[str] = []
    for name in ("alice", "alice", "bob"):
        found = reader.read(sse({"type": "response.output_text.delta", **within, "summary_index": name}))
        said = {part.text for one in found if isinstance(one, OtherEvent) for part in one.parts}
        passed += said & {"alice", "bob"}
    assert passed == ["alice", "bob"]


def test_unknown_events_pass_with_their_strings_as_parts() -> None:
    documents = wire.events([wire.message("x")])
    documents.insert(
        3, {"type": "response.mood.delta", "output_index": 0, "delta": "glad", "mood": {"a": "b"}}
    )
    (found,) = [
        one
        for one in read(documents)
        if isinstance(one, OtherEvent) and one.event.event == "response.mood.delta"
    ]
    assert {"glad", "b", "mood"} <= {part.text for part in found.parts}
    assert not found.whole


def test_the_probabilities_of_tokens_stand_in_no_event_of_a_text() -> None:
    tokens = [{"token": "Hi", "bytes": [72], "logprob": -0.1, "top_logprobs": []}]
    documents = wire.events([wire.message("Hi")])
    for one in documents:
        if one["type"].startswith("response.output_text"):
            one["logprobs"] = tokens
        for item in [one.get("item"), *(one.get("response") or {}).get("output", [])]:
            for part in (item or {}).get("content", []):
                part["logprobs"] = tokens
    assert "Hi" not in {
        text for one in sent(read(documents)) for text in strings(one) if one["type"] == "response.created"
    }
    assert not any("token" in json.dumps(one) for one in sent(read(documents))[:-1])
    assert '"token":' not in json.dumps(sent(read(documents))[-1])


def test_an_error_ends_the_texts_and_drops_the_calls() -> None:
    documents = wire.events([wire.message("x"), wire.function_call("f", "{}")])
    cut = [one for one in documents if one["type"] != "response.completed"][:-2]
    error = {"type": "error", "code": "server_error", "message": "oops", "param": None, "sequence_number": 99}
    failed = {"type": "response.failed", "sequence_number": 100}
    failed["response"] = wire.document([wire.message("x")], status="failed")
    found = read([*cut, error])
    assert not any(isinstance(one, CallReady) for one in found)
    assert sent(found)[-1]["message"] == "oops"
    assert sent(read([*cut, error, failed]))[-1]["type"] == "response.failed"
    for after in (documents[-1], cut[2], error):
        with pytest.raises(Malformed):
            read([*cut, error, failed, after])


def test_the_end_says_why_and_how_much() -> None:
    reader = ResponseStream()
    last = wire.events([], last="response.incomplete", incomplete_details={"reason": "max_output_tokens"})
    for one in last:
        assert reader.completion().finish_reason == ""
        reader.read(sse(one))
    found = reader.completion()
    assert (found.model, found.finish_reason) == ("gpt-5", "max_output_tokens")
    assert found.usage == Usage(1234567, 7654321, 7, 0, 5)
    (done,) = reader.read(SseEvent("[DONE]"))
    assert isinstance(done, OtherEvent)
    assert done.document is None


CALL = wire.function_call("f", "{}")
AT = {"item_id": "fc_a", "output_index": 0}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([{"type": 1}], id="an event without a type"),
        pytest.param([{"type": "response.output_text.delta", "delta": "x"}], id="a text without a place"),
        pytest.param([{"type": "response.output_item.added", "item": CALL}], id="an item without an index"),
        pytest.param(
            [{"type": "response.output_item.added", **AT, "item": {"id": 1}, "x": [1]}] * 2, id="twice"
        ),
        pytest.param(
            [{"type": "response.function_call_arguments.delta", **AT, "delta": "{"}], id="not begun"
        ),
        pytest.param(
            [{"type": "response.shell_call_command.done", **AT, "command": "ls"}], id="not begun either"
        ),
        pytest.param([{"type": "response.odd", "item": CALL}], id="a call in an odd event"),
        pytest.param([{"type": "response.odd", "tool_calls": [{}]}], id="calls beside the items"),
        pytest.param(
            [{"type": "response.odd", "name": "f", "arguments": "{}"}], id="an odd event that is a call"
        ),
        pytest.param([{"type": "response.tool_invocation", "name": "f"}], id="an odd event called like one"),
        pytest.param([{"type": "response.odd", "data": [{"at": CALL}]}], id="a call deep in an odd event"),
        pytest.param(
            [{"type": "response.odd", "arguments": "{}", "response": wire.document([])}],
            id="a call beside a response",
        ),
        pytest.param(
            [{"type": "response.function_call_arguments.completed", **AT, "name": "f", "arguments": "{}"}],
            id="an end that no call has",
        ),
        pytest.param(
            [{"type": "response.output_text.annotation.added", **AT, "annotation": CALL}],
            id="an annotation that is a call",
        ),
        pytest.param(
            [{"type": "response.created", "response": wire.document([CALL])}], id="a call before it came"
        ),
        pytest.param([{"type": "response.completed", "response": "x"}], id="no response"),
        pytest.param(
            [{"type": "response.completed", "response": {"output": {"a": CALL}}}], id="items that are no list"
        ),
        pytest.param(
            [
                {"type": "response.output_item.added", **AT, "item": wire.message("x")},
                {"type": "response.output_item.done", **AT, "item": CALL},
            ],
            id="a message that ends as a call",
        ),
        pytest.param(
            [
                {"type": "response.content_part.added", **AT, "content_index": 0}
                | {"part": {"type": "tool_use", "input": {}}}
            ],
            id="a part that is a call",
        ),
        pytest.param(
            [
                *wire.events([CALL])[:-1],
                {"type": "response.completed", "response": wire.document([{**CALL, "name": "g"}])},
            ],
            id="another call than was decided",
        ),
        pytest.param([*wire.events([CALL]), wire.events([])[0]], id="more after the end"),
    ],
)
def test_what_could_hide_a_call_is_malformed(events: list[dict[str, Any]]) -> None:
    with pytest.raises(Malformed):
        read_unnamed(events)


def read_unnamed(events: list[dict[str, Any]]) -> None:
    reader = ResponseStream()
    for one in events:
        reader.read(SseEvent(json.dumps(one)))


def test_half_a_response_and_a_wrong_name_are_malformed() -> None:
    reader = ResponseStream()
    reader.read(sse(wire.events([])[0]))
    with pytest.raises(Malformed, match="before the response did"):
        reader.close()
    with pytest.raises(Malformed):
        reader.read(SseEvent("[DONE]"))
    with pytest.raises(Malformed):
        reader.read(SseEvent(json.dumps(wire.events([])[1]), "response.created"))
