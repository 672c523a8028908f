"""Each line of a stored file is read as what the request of a batch was answered."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects import Malformed
from gateway.dialects.openai_files.results import read_line
from gateway.words import Usage

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q": "x"}'}}


def answered(body: Any, status: int = 200) -> dict[str, Any]:
    return {"id": "b", "custom_id": "1", "response": {"status_code": status, "body": body}, "error": None}


def chat(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    return {"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def test_a_completion_is_read_by_its_own_dialect() -> None:
    said = read_line(answered(chat(content="hello")))
    texts = {part.pointer: (part.role, part.text) for part in said.parts if part.kind == "text"}
    assert texts == {"/response/body/choices/0/message/content": ("assistant", "hello")}
    assert (said.model, said.usage) == ("m", Usage(3, 4))

    (call,) = read_line(answered(chat(tool_calls=[CALL]))).tool_calls
    assert (call.name, call.arguments) == ("f", {"q": "x"})
    assert call.pointers == ("/response/body/choices/0/message/tool_calls/0/function/arguments",)

    output = [{"type": "function_call", "call_id": "c", "name": "g", "arguments": "{}"}]
    (call,) = read_line(answered({"object": "response", "status": "completed", "output": output})).tool_calls
    assert call.name == "g"


def test_numbers_of_vectors_and_scores_are_no_parts() -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.123456789] * 9}
    said = read_line(answered({"object": "list", "model": "e", "data": [vector]}))
    assert not [part for part in said.parts if "embedding/" in part.pointer]

    result = {"flagged": False, "category_scores": {"hate": 0.123456789}}
    said = read_line(answered({"id": "modr", "model": "o", "results": [result]}))
    assert not [part for part in said.parts if part.place == "number"]


@pytest.mark.parametrize(
    "line",
    [
        answered({"tool_calls": [{**CALL, "input": {}}]}),
        answered({"object": "list", "data": [{"tool_calls": [CALL]}]}),
        answered({"object": "chat.completion", "choices": [{"delta": {"tool_calls": [CALL]}}]}),
        answered({**chat(tool_calls=[CALL]), "object": "response", "output": []}),
        answered({**chat(content=""), "output": [{"type": "function_call", "name": "f", "arguments": "{}"}]}),
        {"result": {"message": {"content": [{"type": "tool_use", "name": "f", "input": {}}]}}},
    ],
)
def test_a_call_that_no_dialect_reads_is_malformed(line: Any) -> None:
    with pytest.raises(Malformed):
        read_line(line)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (answered({"tool_calls": [CALL]}), "/response/body/tool_calls/0"),
        (answered([{"tool_calls": [CALL]}]), "/response/body/0/tool_calls/0"),
        ([{"tool_calls": [CALL]}], "/0/tool_calls/0"),
    ],
)
def test_a_function_that_is_called_where_no_dialect_reads_is_judged(line: Any, at: str) -> None:
    (call,) = read_line(line).tool_calls
    assert (call.name, call.pointers) == ("f", (f"{at}/function/arguments",))


def test_a_body_is_left_to_its_dialect_where_it_stands_and_nowhere_else() -> None:
    line = {**answered(chat(content="hello")), "error": {"body": "a", "code": {"body": "b"}}}
    assert {"a", "b"} <= {part.text for part in read_line(line).parts}
    with pytest.raises(Malformed):
        read_line({**line, "error": {"body": chat(tool_calls=[CALL])}})


def test_a_request_that_was_stored_may_hold_the_calls_of_its_history() -> None:
    messages = [{"role": "assistant", "tool_calls": [CALL]}]
    for line in ({"messages": messages}, {"url": "/v1/x", "body": {"messages": messages}}):
        assert not read_line(line).tool_calls
