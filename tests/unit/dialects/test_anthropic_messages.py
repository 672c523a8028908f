"""What Messages prompts and completions are read as."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from anthropic.types import Message

from gateway.dialects import read_completion, read_prompt
from gateway.dialects.document import Malformed
from gateway.exchange import Attachment, Parameters, Part, Tool, Usage

MEDIA = base64.b64encode(bytes(range(256)) * 2).decode()


def labels(document: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        part.pointer: (part.role, part.kind, part.place)
        for part in read_prompt("anthropic.messages", document).parts
        if part.place != "key"
    }


def message(content: list[dict[str, Any]]) -> dict[str, Any]:
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_read_input_tokens": 1000,
            "output_tokens": 5,
            "service_tier": "standard",
        },
    }
    Message.model_validate(document)
    return document


def test_roles_and_blocks_give_parts_their_kinds() -> None:
    document = {
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": "u"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "t", "signature": MEDIA},
                    {"type": "tool_use", "id": "i", "name": "f", "input": {"city": "Paris", "n": 12345678}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "i", "content": [{"type": "text", "text": "r"}]},
                    {"type": "tool_result", "tool_use_id": "i", "content": "r2"},
                    {"type": "text", "text": "go on"},
                ],
            },
        ],
    }
    found = labels(document)
    assert found["/system/0/text"] == ("system", "system", "value")
    assert found["/messages/0/content"] == ("user", "text", "value")
    assert found["/messages/1/content/0/thinking"] == ("assistant", "text", "value")
    call = "/messages/1/content/1"
    assert found[f"{call}/name"] == ("assistant", "tool_call", "structural")
    assert found[f"{call}/input/city"] == ("assistant", "tool_call", "value")
    assert found[f"{call}/input/n"] == ("assistant", "tool_call", "number")
    assert found["/messages/2/content/0/content/0/text"] == ("tool", "tool_result", "value")
    assert found["/messages/2/content/1/content"] == ("tool", "tool_result", "value")
    assert found["/messages/2/content/2/text"] == ("user", "text", "value")
    assert "/messages/1/content/0/signature" not in found
    keys = {p.text for p in read_prompt("anthropic.messages", document).parts if p.place == "key"}
    assert keys == {"city", "n"}


def test_tools_and_parameters_are_read() -> None:
    document = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64,
        "temperature": 0.5,
        "stream": True,
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
    }
    prompt = read_prompt("anthropic.messages", document)
    assert prompt.tools == (Tool("f", "d"), Tool("web_search", ""))
    assert (prompt.model, prompt.stream) == ("claude-sonnet-4-5", True)
    assert prompt.parameters == Parameters(64, 0.5, 1)
    assert labels(document)["/tools/0/name"] == ("", "tool_definition", "structural")
    assert labels(document)["/tools/0/description"] == ("", "tool_definition", "value")


def test_exempt_leaves_are_attachments_only_where_the_schema_has_them() -> None:
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MEDIA}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": MEDIA}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": MEDIA}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "not base64!"}},
        {"type": "redacted_thinking", "data": MEDIA},
        {"type": "thinking", "thinking": "", "signature": MEDIA},
        {"type": "text", "text": "", "signature": MEDIA},
    ]
    prompt = read_prompt("anthropic.messages", {"messages": [{"role": "user", "content": content}]})
    assert prompt.attachments == (
        Attachment("image", "image/png", 512),
        Attachment("file", "application/pdf", 512),
        Attachment("encrypted", "", 512),
        Attachment("signature", "", 512),
    )
    values = {part.pointer for part in prompt.parts if part.place == "value" and part.text}
    assert values == {
        "/messages/0/content/2/source/data",
        "/messages/0/content/3/source/data",
        "/messages/0/content/6/signature",
    }


def test_a_completion_is_read() -> None:
    found = read_completion(
        "anthropic.messages",
        message(
            [
                {"type": "text", "text": "hi", "citations": None},
                {"type": "tool_use", "id": "t", "name": "send", "input": {"to": ["a@b.example"], "n": 1}},
            ]
        ),
    )
    assert (found.model, found.finish_reason, found.usage) == (
        "claude-sonnet-4-5",
        "end_turn",
        Usage(1003, 5),
    )
    assert Part("assistant", "text", "/content/0/text", "hi") in found.parts
    (call,) = found.tool_calls
    assert (call.name, call.arguments) == ("send", {"to": ["a@b.example"], "n": 1})
    assert call.pointers == ("/content/1/input/to", "/content/1/input/to/0", "/content/1/input/n")


@pytest.mark.parametrize(
    "content", ["x", {}, ["x"], [{}], [{"type": 1}], [{"type": "tool_use", "input": {}}], [{"type": None}]]
)
def test_content_that_could_hide_a_tool_call_is_malformed(content: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("anthropic.messages", {"type": "message", "content": content})


def test_an_input_that_is_not_an_object_is_none() -> None:
    document = {"content": [{"type": "tool_use", "name": "f", "input": "x"}]}
    assert read_completion("anthropic.messages", document).tool_calls[0].arguments is None


def test_an_error_is_read_as_fields() -> None:
    document = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "r"}
    found = {
        part.pointer: (part.kind, part.place)
        for part in read_completion("anthropic.messages", document).parts
    }
    assert found["/error/message"] == ("field", "value")
    assert found["/request_id"] == ("field", "structural")
