"""Calls of InvokeModel are Anthropic's where both sides say so; what else comes is read as any JSON."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects import Malformed, OtherEvent, SseEvent, json_event, read_completion
from gateway.dialects.bedrock.claude import ClaudeStream, is_message
from gateway.dialects.bedrock.frames import exception
from gateway.dialects.opening import open_body

NAME = "bedrock.anthropic"
START = {
    "type": "message_start",
    "message": {"id": "m", "type": "message", "role": "assistant", "content": []},
}


def test_the_version_in_the_body_says_whose_words_it_is_in() -> None:
    assert is_message({"anthropic_version": "bedrock-2023-05-31", "messages": []})
    assert not is_message({"inputText": "Hello"})
    assert not is_message([])


@pytest.mark.parametrize(
    ("body", "dialect"),
    [(b'{"anthropic_version": "b", "messages": []}', NAME), (b'{"inputText": "Hello"}', "json")],
)
def test_a_body_in_other_words_is_json(body: bytes, dialect: str) -> None:
    assert open_body(NAME, body, "application/json", "/model/m/invoke", depth=10).dialect == dialect


def test_a_body_in_other_words_holds_no_call() -> None:
    body = b'{"messages": [{"toolUse": {"name": "f", "input": {}}}]}'
    with pytest.raises(Malformed):
        open_body(NAME, body, "application/json", "/model/m/invoke", depth=10)


def test_an_answer_in_other_words_is_text() -> None:
    read = read_completion(NAME, {"results": [{"outputText": "Hello"}]})
    assert "Hello" in [part.text for part in read.parts]


@pytest.mark.parametrize(
    "answer",
    [
        {"output": {"message": {"content": [{"toolUse": {"name": "f", "input": {}}}]}}},
        {"type": "message", "content": [], "output": {"toolUse": {"name": "f", "input": {}}}},
        {"content": [{"type": "tool_use", "name": "f", "input": {}}]},
    ],
)
def test_no_call_hides_in_an_answer(answer: Any) -> None:
    with pytest.raises(Malformed):
        read_completion(NAME, answer)


def test_an_exception_ends_a_stream_and_is_passed_on() -> None:
    stream = ClaudeStream()
    stream.read(json_event(START))
    failed = exception("throttlingException", {"message": "slowly"})
    (item,) = stream.read(failed)
    assert isinstance(item, OtherEvent)
    assert item.event == failed
    assert "slowly" in [part.text for part in item.parts]
    assert stream.close() == []
    with pytest.raises(Malformed):
        stream.read(json_event({"type": "message_stop"}))


@pytest.mark.parametrize("data", ["[]", '{"message": "a", "tool_calls": [{"name": "f"}]}'])
def test_an_exception_is_an_object_without_calls(data: str) -> None:
    stream = ClaudeStream()
    stream.read(json_event(START))
    with pytest.raises(Malformed):
        stream.read(SseEvent(data, "!throttlingException"))
