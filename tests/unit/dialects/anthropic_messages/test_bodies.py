"""What Messages prompts and completions are read as."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from typing import Any

import pytest
from anthropic.types import Message

from gateway.dialects import read_completion, read_prompt
from gateway.dialects.reading.document import Malformed
from gateway.words import Attachment, Parameters, Part, Tool, Usage

NOISE = random.Random(7).randbytes(504)
SEALED = base64.b64encode(random.Random(8).randbytes(512)).decode()
URL_SAFE = SEALED.replace("+", "-").replace("/", "_").rstrip("=")
MEDIA = base64.b64encode(b"\x89PNG\r\n\x1a\n" + NOISE).decode()


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
    assert found["/messages/1/content/0/thinking"] == ("assistant", "signed", "value")
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
    assert [replace(one, schema_digest="") for one in prompt.tools] == [
        Tool("f", "d"),
        Tool("web_search", "", hosted="web_search"),
    ]
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
        {"type": "redacted_thinking", "data": SEALED},
        {
            "type": "thinking",
            "thinking": "",
            "signature": URL_SAFE,
        },
        {"type": "text", "text": "", "signature": SEALED},
        {"type": "text", "text": "", "encrypted_content": SEALED},
        {"type": "tool_use", "source": {"type": "base64", "media_type": "image/png", "data": MEDIA}},
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
        "/messages/0/content/7/encrypted_content",
        "/messages/0/content/8/source/data",
    }


@pytest.mark.parametrize(
    "words",
    [
        "my-card-is-4111-1111-1111-1111-and-ssn-078-05-1121".ljust(300, "A"),
        "AAAA/AKIAQYLPMN5HHHFPZAM2/4111111111111111/".ljust(300, "A"),
        URL_SAFE + "-my-card-is-4111-1111-1111-1111-and-my-ssn-is-078-05-1121-x",
    ],
)
def test_words_are_not_sealed(words: str) -> None:
    content = [
        {"type": "thinking", "thinking": "", "signature": words},
        {"type": "redacted_thinking", "data": words},
        {"type": "compaction", "content": "", "encrypted_content": words},
    ]
    prompt = read_prompt("anthropic.messages", {"messages": [{"role": "assistant", "content": content}]})
    assert sum(part.text == words for part in prompt.parts) == 3


def test_text_that_is_sealed_is_decoded_for_inspection() -> None:
    sealed = base64.urlsafe_b64encode(b"card 4111 " * 50).decode()
    block = {"type": "thinking", "thinking": "", "signature": sealed}
    prompt = read_prompt("anthropic.messages", {"messages": [{"role": "assistant", "content": [block]}]})
    assert [part.place for part in prompt.parts if "card 4111" in part.text] == ["structural"]
    assert prompt.attachments == (Attachment("signature", "", 500),)


def test_addresses_are_fields() -> None:
    citation = {"type": "web_search_result_location", "url": "https://x.example/<X>", "cited_text": "c"}
    found = read_completion(
        "anthropic.messages", {"content": [{"type": "text", "text": "t", "citations": [citation]}]}
    )
    assert [part.kind for part in found.parts if "<X>" in part.text] == ["field"]


@pytest.mark.parametrize(
    "document",
    [
        {"model": "permitted", "Model": "forbidden"},
        {"System": "x"},
        {"messages": [{"role": "user", "Content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "TEXT": "x"}]}]},
    ],
)
def test_a_word_of_the_schema_in_another_case_is_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_prompt("anthropic.messages", document)


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
        Usage(1003, 5, 1000),
    )
    assert Part("assistant", "text", "/content/0/text", "hi") in found.parts
    (call,) = found.tool_calls
    assert (call.name, call.arguments) == ("send", {"to": ["a@b.example"], "n": 1})
    assert call.pointers == ("/content/1/input/to", "/content/1/input/to/0", "/content/1/input/n")
    assert not call.raw_json


def test_a_float_in_an_input_is_a_number_that_shows_its_digits() -> None:
    block = {"type": "tool_use", "id": "t", "name": "pay", "input": {"card": 4111111111111111.0}}
    found = read_completion("anthropic.messages", message([block]))
    assert (
        Part("assistant", "tool_call", "/content/0/input/card", "4111111111111111", "number") in found.parts
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "bash_tool_use", "name": "drop", "input": {"x": 1}},
        {"type": "bash_tool_use", "name": "drop"},
        {"type": "hologram", "name": "drop", "input": {"x": 1}},
        {"type": "text", "text": "", "name": "drop", "input": {"x": 1}},
    ],
)
def test_whatever_may_be_a_call_is_one(block: dict[str, Any]) -> None:
    found = read_completion("anthropic.messages", {"content": [block]})
    assert [call.name for call in found.tool_calls] == ["drop"]
    assert {part.kind for part in found.parts if part.pointer.startswith("/content/0/input")} <= {"tool_call"}


@pytest.mark.parametrize(
    "content",
    [
        *("x", {}, ["x"], [{}], [{"type": 1}], [{"type": "tool_use", "input": {}}], [{"type": None}]),
        *([{"type": "tool_hologram"}], [{"type": "text", "text": "", "input": {}}]),
        *([{"type": "text", "text": "", "arguments": "{}"}], [{"type": "text", "tool_use": {"name": "f"}}]),
    ],
)
def test_content_that_could_hide_a_tool_call_is_malformed(content: Any) -> None:
    with pytest.raises(Malformed):
        read_completion("anthropic.messages", {"type": "message", "content": content})


def test_calls_beside_the_content_are_malformed() -> None:
    with pytest.raises(Malformed):
        read_completion("anthropic.messages", {"content": [], "tool_calls": [{"name": "f"}]})


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
