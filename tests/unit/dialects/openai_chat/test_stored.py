"""Stored completions are read as they were when they were new, alone, in lists and by their messages."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects import Malformed, dialect_of, read_completion

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q":"x"}'}}


def _list(*stored: Any) -> dict[str, Any]:
    return {"object": "list", "data": [*stored], "first_id": "a", "last_id": "b", "has_more": False}


def _completion(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    return {"id": "a", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def test_what_is_stored_has_the_dialect_of_what_is_new() -> None:
    for method, path in (("GET", "/a"), ("GET", "/a/messages"), ("DELETE", "/a")):
        assert dialect_of("openai", method, f"/v1/chat/completions{path}", "", False) == "openai.chat"
    assert dialect_of("openai", "POST", "/v1/chat/completions/a", "application/json", True) == "openai.chat"


def test_a_list_of_what_all_agents_stored_has_none() -> None:
    for path in ("/v1/chat/completions", "/v1/chat/completions/"):
        assert dialect_of("openai", "GET", path.removesuffix("/"), "", False) == "none"


@pytest.mark.parametrize("choices", [None, []])
def test_a_call_beside_choices_that_are_none_is_malformed(choices: Any) -> None:
    for about in (
        {"choices": choices, "data": [[CALL]]},
        {"choices": choices, "more": {"tool_calls": [CALL]}},
    ):
        with pytest.raises(Malformed):
            read_completion("openai.chat", about)


def test_a_list_says_what_its_completions_say() -> None:
    said = read_completion("openai.chat", _list(_completion(content="one"), _completion(tool_calls=[CALL])))
    texts = {part.pointer: (part.role, part.kind, part.text) for part in said.parts}
    assert texts["/data/0/choices/0/message/content"] == ("assistant", "text", "one")
    (call,) = said.tool_calls
    assert call.pointers == ("/data/1/choices/0/message/tool_calls/0/function/arguments",)
    assert (said.model, said.usage.input_tokens, said.usage.output_tokens) == ("m", 6, 8)
    assert texts["/last_id"][2] == "b"


def test_messages_of_a_completion_are_texts_and_calls() -> None:
    said = read_completion(
        "openai.chat", _list({"id": "m", "role": "user", "content": "hi", "tool_calls": [CALL]})
    )
    assert ("/data/0/content", "hi") in [(part.pointer, part.text) for part in said.parts]
    assert [call.pointers for call in said.tool_calls] == [("/data/0/tool_calls/0/function/arguments",)]


@pytest.mark.parametrize(
    "stored",
    [
        {"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {}}]},
        {"role": "assistant", "tool_calls": [{**CALL, "arguments": "{}"}]},
        {"role": "assistant", "functionCall": {"name": "f", "args": {}}},
        _completion(content=[{"type": "tool_use", "name": "f", "input": {}}]),
        [CALL],
        {"data": [_completion(tool_calls=[CALL])]},
        {"message": {"tool_calls": [CALL]}},
        {"choices": None, "message": {"tool_calls": [CALL]}},
    ],
)
def test_a_call_that_is_not_clear_is_malformed(stored: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("openai.chat", _list(stored))


def test_no_call_hides_beside_a_list() -> None:
    with pytest.raises(Malformed):
        read_completion("openai.chat", {**_list(), "tool_calls": [CALL]})
    with pytest.raises(Malformed):
        read_completion("openai.chat", {**_list(), "choices": [{"delta": {"tool_calls": [CALL]}}]})
