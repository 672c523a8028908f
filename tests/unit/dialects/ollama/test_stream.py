"""A streamed Ollama completion: texts are channels, calls come whole, and the last line is done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import CallReady, Item, Malformed, OtherEvent, TextDelta, json_event, stream_reader
from gateway.dialects.ollama.demo import demo


def line(done: bool = False, **message: Any) -> dict[str, Any]:
    end = {"done_reason": "stop", "eval_count": 4, "prompt_eval_count": 3} if done else {}
    said = {"role": "assistant", "content": "", **message}
    return {"model": "m", "created_at": "t", "message": said, "done": done, **end}


def items_of(dialect: str, documents: list[dict[str, Any]]) -> list[Item]:
    reader = stream_reader(dialect)
    assert reader is not None
    return [item for one in documents for item in reader.read(json_event(one))] + reader.close()


def events_of(items: list[Item]) -> list[dict[str, Any]]:
    events = []
    for item in items:
        match item:
            case TextDelta():
                events.append(item.reshape(item.part.text))
            case CallReady():
                events += item.events({})
            case OtherEvent():
                events.append(item.event)
            case _:
                pass
    return [json.loads(event.data) for event in events]


def joined(documents: list[dict[str, Any]]) -> tuple[str, str, list[Any]]:
    messages = [one["message"] for one in documents]
    calls = [call for one in messages for call in one.get("tool_calls") or []]
    return "".join(m["content"] for m in messages), "".join(m.get("thinking", "") for m in messages), calls


LINES = st.lists(
    st.builds(lambda text: line(content=text), st.text(max_size=5))
    | st.builds(lambda text: line(thinking=text), st.text(max_size=5))
    | st.builds(
        lambda text, value: line(
            content=text, tool_calls=[{"function": {"name": "f", "arguments": {"q": value}}}]
        ),
        st.text(max_size=5),
        st.text(max_size=5),
    ),
    max_size=8,
)


@settings(max_examples=60)
@given(LINES)
def test_any_cut_of_a_completion_is_passed_on_whole(documents: list[dict[str, Any]]) -> None:
    documents = [*documents, line(done=True)]
    sent = json.loads(json.dumps(documents))
    out = events_of(items_of("ollama.chat", documents))
    assert joined(out) == joined(sent)
    assert [one["done"] for one in out][-1]
    assert not any(one["done"] for one in out[:-1])


def test_calls_have_places_of_their_own() -> None:
    call = {"function": {"name": "f", "arguments": {"q": "x"}}}
    items = items_of("ollama.chat", [line(tool_calls=[call]), line(tool_calls=[call]), line(done=True)])
    pointers = [item.call.pointers for item in items if isinstance(item, CallReady)]
    assert pointers == [(f"/message/tool_calls/{index}/function/arguments/q",) for index in (0, 1)]


def test_a_text_is_generated_in_the_same_way() -> None:
    head = {"model": "m", "created_at": "t"}
    documents: list[dict[str, Any]] = [
        {**head, "response": "a", "done": False},
        {**head, "response": "b", "done": True, "done_reason": "stop", "context": [1, 2]},
    ]
    out = events_of(items_of("ollama.generate", documents))
    assert "".join(one["response"] for one in out) == "ab"
    assert (out[-1]["context"], out[-1]["done"]) == ([1, 2], True)


def test_the_demo_provider_says_it_in_one_line() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "one two"}]}
    items = items_of("ollama.chat", [demo(body, 1)])
    assert [item.part.text for item in items if isinstance(item, TextDelta)] == ["You said: one two"]


@pytest.mark.parametrize(
    "documents", [[line(content="a")], [line(done=True), line(content="b")], [line(tool_calls=[{}])]]
)
def test_what_no_completion_has_is_malformed(documents: list[dict[str, Any]]) -> None:
    with pytest.raises(Malformed):
        items_of("ollama.chat", documents)


def test_an_error_ends_the_stream() -> None:
    items = items_of("ollama.chat", [line(content="a"), {"error": "out of memory"}])
    assert isinstance(items[-1], OtherEvent)
    assert [part.text for part in items[-1].parts] == ["out of memory"]
