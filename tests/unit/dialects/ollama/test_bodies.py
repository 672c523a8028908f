"""What Ollama's prompts and completions are read as: roles and kinds are those of the other dialects."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from typing import Any

import pytest

from gateway.dialects import Malformed, error_document, read_completion, read_prompt
from gateway.words import Attachment, Parameters, Tool, Usage

MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(7).randbytes(504)).decode()
CALL = {"function": {"name": "send", "arguments": {"to": "a@b.example"}}}


def labels(dialect: str, document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    parts = read_prompt(dialect, document).parts
    return {part.pointer: (part.role, part.kind) for part in parts if part.place == "value"}


def test_roles_give_parts_their_kinds() -> None:
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "images": [MEDIA]},
        {"role": "assistant", "content": "a", "thinking": "t", "tool_calls": [CALL]},
        {"role": "tool", "content": "x", "tool_name": "send"},
    ]
    function = {"name": "send", "description": "d", "parameters": {"type": "object"}}
    body = {"model": "m", "messages": messages, "tools": [{"type": "function", "function": function}]}
    found = labels("ollama.chat", body)
    assert found["/messages/0/content"] == ("system", "system")
    assert found["/messages/1/content"] == ("user", "text")
    assert found["/messages/2/thinking"] == ("assistant", "text")
    assert found["/messages/2/tool_calls/0/function/arguments/to"] == ("assistant", "tool_call")
    assert found["/messages/3/content"] == ("tool", "tool_result")
    prompt = read_prompt("ollama.chat", {**body, "options": {"num_predict": 7, "temperature": 0.5}})
    assert [replace(one, schema_digest="") for one in prompt.tools] == [Tool("send", "d")]
    assert prompt.attachments == (Attachment("image", "", 512),)
    assert (prompt.stream, prompt.parameters) == (True, Parameters(7, 0.5))


def test_texts_of_the_other_endpoints_are_a_users() -> None:
    body = {"model": "m", "prompt": "p", "system": "s", "suffix": "z", "stream": False, "context": [1, 2]}
    assert labels("ollama.generate", body) == {
        "/prompt": ("user", "text"),
        "/system": ("system", "system"),
        "/suffix": ("user", "text"),
    }
    assert not read_prompt("ollama.generate", body).stream
    assert labels("ollama.embeddings", {"model": "m", "input": ["a"]}) == {"/input/0": ("user", "text")}


def answer(**message: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "said", **message},
        "done": True,
        "done_reason": "stop",
        "total_duration": 4155552671,
        "prompt_eval_count": 26,
        "eval_count": 298,
    }


def test_a_completion_has_its_calls_and_usage() -> None:
    completion = read_completion("ollama.chat", answer(tool_calls=[CALL]))
    (call,) = completion.tool_calls
    assert (call.name, call.arguments) == ("send", {"to": "a@b.example"})
    assert call.pointers == ("/message/tool_calls/0/function/arguments/to",)
    assert (completion.finish_reason, completion.usage) == ("stop", Usage(26, 298))
    assert [(p.role, p.kind) for p in completion.parts if p.text == "said"] == [("assistant", "text")]
    assert not any("4155552671" in part.text for part in completion.parts)


def test_vectors_have_no_parts() -> None:
    assert read_completion("ollama.embeddings", {"embeddings": [[0.0023064255] * 4]}).parts == ()


@pytest.mark.parametrize(
    "message",
    [{"tool_calls": "x"}, {"tool_calls": [{}]}, {"tool_calls": [{"function": {}}]}, {"function_call": [1]}],
)
def test_a_message_in_which_a_call_may_hide_is_malformed(message: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_completion("ollama.chat", answer(**message))


def test_an_error_is_a_text() -> None:
    document = error_document("ollama", "policy_denied", "no", {"decision_id": "d"})
    assert (document["error"], document["code"], document["decision_id"]) == ("no", "policy_denied", "d")
