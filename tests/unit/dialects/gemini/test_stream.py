"""A streamed Gemini completion: texts are channels, calls come whole, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import (
    CallReady,
    Item,
    Malformed,
    OtherEvent,
    SseEvent,
    TextDelta,
    json_event,
    stream_reader,
)


def chunk(*parts: dict[str, Any], finish: str = "", index: int = 0, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g", "responseId": "r", **more}


def items_of(documents: list[dict[str, Any]]) -> list[Item]:
    reader = stream_reader("gemini.generate")
    assert reader is not None
    return [item for one in documents for item in reader.read(json_event(one))] + reader.close()


def events_of(items: list[Item]) -> list[dict[str, Any]]:
    """What goes out when nothing is masked."""
    events: list[SseEvent] = []
    for item in items:
        match item:
            case TextDelta():
                events.append(item.reshape(item.part.text))
            case CallReady():
                events += item.events(
                    {part.pointer: part.text for part in item.parts if part.place == "value"}
                )
            case OtherEvent():
                events.append(item.event)
            case _:
                pass
    return [json.loads(event.data) for event in events]


def joined(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The completion as a client puts it together, by candidate."""
    told: dict[str, Any] = {}
    for document in documents:
        for candidate in document.get("candidates", []):
            index = candidate.get("index", 0)
            one = told.setdefault(index, {"text": "", "thought": "", "others": [], "finish": ""})
            one["finish"] = candidate.get("finishReason", one["finish"])
            for part in candidate.get("content", {}).get("parts", []):
                if part.get("text"):
                    one["thought" if part.get("thought") else "text"] += part["text"]
                rest = {key: item for key, item in part.items() if key not in ("text", "thought")}
                if rest:
                    one["others"].append(rest)
    return told


PARTS = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(max_size=6)),
    st.builds(lambda text: {"text": text, "thought": True}, st.text(max_size=6)),
    st.builds(lambda text: {"text": text, "thoughtSignature": "c2ln"}, st.text(max_size=6)),
    st.builds(lambda value: {"functionCall": {"name": "f", "args": {"q": value}}}, st.text(max_size=6)),
    st.just({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
    st.just({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
)


@st.composite
def completions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The parts of one or two candidates, cut into chunks in any way, by turns."""
    waiting = {index: draw(st.lists(PARTS, max_size=5)) for index in range(draw(st.integers(1, 2)))}
    documents = []
    while waiting:
        index = draw(st.sampled_from(sorted(waiting)))
        count = draw(st.integers(1, 3))
        taken, waiting[index] = waiting[index][:count], waiting[index][count:]
        over = not waiting[index]
        documents.append(chunk(*taken, index=index, finish="STOP" if over else ""))
        if over:
            del waiting[index]
    return documents


@settings(max_examples=60)
@given(completions())
def test_any_cut_of_a_completion_is_passed_on_whole(documents: list[dict[str, Any]]) -> None:
    given_ = json.loads(json.dumps(documents))
    assert joined(events_of(items_of(documents))) == joined(given_)


@settings(max_examples=60)
@given(completions())
def test_every_string_that_is_passed_on_has_been_a_part(documents: list[dict[str, Any]]) -> None:
    items = items_of(documents)
    parts = {part.text for item in items if isinstance(item, OtherEvent | CallReady) for part in item.parts}
    parts |= {item.part.text for item in items if isinstance(item, TextDelta)}
    for document in events_of(items):
        for candidate in document.get("candidates", []):
            for part in candidate.get("content", {}).get("parts", []):
                code = part.get("executableCode", {}).get("code", "")
                assert {
                    part.get("text", ""),
                    code,
                    *part.get("functionCall", {}).get("args", {}).values(),
                } <= {
                    *parts,
                    "",
                }


def test_a_call_is_whole_and_names_its_place() -> None:
    call = {"functionCall": {"name": "send", "args": {"to": "x"}}, "thoughtSignature": "c2ln"}
    (ready,) = [
        item for item in items_of([chunk({"text": "a"}, call, finish="STOP")]) if isinstance(item, CallReady)
    ]
    assert (ready.call.name, ready.call.arguments) == ("send", {"to": "x"})
    (pointer,) = ready.call.pointers
    (event,) = ready.events({pointer: "MASK"})
    assert json.loads(event.data)["candidates"][0]["content"]["parts"][0]["functionCall"]["args"] == {
        "to": "MASK"
    }


def test_usage_and_finish_reason_are_those_of_the_last_chunk() -> None:
    reader = stream_reader("gemini.generate")
    assert reader is not None
    reader.read(json_event(chunk({"text": "a"})))
    reader.read(json_event(chunk({"text": "b"}, finish="STOP")))
    reader.close()
    said = reader.completion()
    assert (said.model, said.finish_reason, said.usage.output_tokens) == ("g", "STOP", 4)


def test_a_blocked_prompt_ends_the_stream() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g"}
    (item,) = items_of([blocked])
    assert isinstance(item, OtherEvent)


def test_an_error_ends_the_stream_and_lets_out_what_is_held() -> None:
    items = items_of(
        [chunk({"text": "a"}), {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}]
    )
    assert isinstance(items[-1], OtherEvent)
    assert "busy" in [part.text for part in items[-1].parts]


@pytest.mark.parametrize(
    "documents",
    [
        [chunk({"text": "a"})],
        [chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"})],
        [chunk({"functionCall": {"name": "f", "willContinue": True}}, finish="STOP")],
        [chunk({"text": 7}, finish="STOP")],
        [{"error": {"message": "x"}}, chunk({"text": "a"}, finish="STOP")],
        [{**chunk({"text": "a"}), "error": {"message": "x"}}],
        [chunk({"text": "a"}, index=-1, finish="STOP")],
    ],
)
def test_what_no_completion_has_is_malformed(documents: list[dict[str, Any]]) -> None:
    with pytest.raises(Malformed):
        items_of(documents)
