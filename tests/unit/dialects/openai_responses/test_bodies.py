"""What policy learns of a prompt and of a response."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects import Malformed, dialect_of
from gateway.dialects.openai_responses.bodies import read_completion, read_prompt
from gateway.words import Parameters, Tool, Usage
from tests.support import responses_wire as wire

JSON = "application/json"


@pytest.mark.parametrize(
    ("method", "path", "has_body", "dialect"),
    [
        ("POST", "/v1/responses", True, "openai.responses"),
        ("POST", "/v1/responses/compact", True, "openai.responses"),
        ("POST", "/v1/responses/input_tokens", True, "openai.responses"),
        ("POST", "/v1/responses/resp_1/cancel", False, "openai.responses"),
        ("GET", "/v1/responses/resp_1", False, "openai.responses"),
        ("GET", "/v1/responses/resp_1/input_items", False, "openai.responses"),
        ("GET", "/v1/responses", False, "none"),
        ("DELETE", "/v1/responses/resp_1", False, "openai.responses"),
        ("HEAD", "/v1/responses/resp_1", False, "none"),
        ("POST", "/v1/responses/resp_1/cancel", True, "json"),
        ("GET", "/v1/responses/resp_1", True, "json"),
        ("POST", "/v1/xresponses", True, "json"),
    ],
)
def test_new_and_stored_responses_are_told_by_method_and_path(
    method: str, path: str, has_body: bool, dialect: str
) -> None:
    assert dialect_of("openai", method, path, JSON, has_body) == dialect
    assert dialect_of("anthropic", method, path, JSON, has_body) in ("json", "none")


def labels(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {part.text: (part.role, part.kind) for part in read_prompt(body).parts if part.place == "value"}


def test_a_prompt_has_the_roles_and_kinds_of_other_dialects() -> None:
    assert labels({"input": "said", "instructions": "told"}) == {
        "said": ("user", "text"),
        "told": ("system", "system"),
    }
    body = {
        "input": [
            {"role": "developer", "content": "rule"},
            {"role": "user", "content": [{"type": "input_text", "text": "said"}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "name": "f", "arguments": '{"a": "\\u0040"}', "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "r"}]},
            {
                "type": "mcp_call",
                "name": "f",
                "arguments": "{}",
                "output": "found",
                "error": {"content": "e"},
            },
            {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            {"type": "file_search_call", "queries": ["q"], "results": [{"text": "hit"}]},
            {
                "type": "mcp_list_tools",
                "server_label": "s",
                "tools": [{"name": "t", "description": "server's"}],
            },
            {"type": "additional_tools", "tools": [{"type": "function", "name": "t", "description": "own"}]},
        ],
        "tools": [{"type": "function", "name": "t", "description": "offered"}],
        "text": {"format": {"type": "json_schema", "name": "s", "schema": {"title": "T"}}},
        "prompt": {"id": "p", "variables": {"city": "Oslo", "doc": {"type": "input_text", "text": "long"}}},
        "user": "u-1",
    }
    assert labels(body) == {
        "rule": ("developer", "system"),
        **dict.fromkeys(("said", "Oslo", "long"), ("user", "text")),
        **dict.fromkeys(("no", "hm"), ("assistant", "text")),
        **dict.fromkeys(('{"a":"@"}', "{}", "1+1", "q"), ("assistant", "tool_call")),
        **dict.fromkeys(("r", "found", "e", "2", "hit", "server's"), ("tool", "tool_result")),
        **dict.fromkeys(("offered", "own", "T"), ("", "tool_definition")),
        "u-1": ("", "field"),
    }


def test_what_a_prompt_asks_for_is_read() -> None:
    prompt = read_prompt(
        {
            "model": "gpt-5",
            "max_output_tokens": 9,
            "temperature": 0.5,
            "stream": True,
            "tools": [
                {"type": "function", "name": "f", "description": "d"},
                {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]},
                {"type": "mcp", "server_label": "gh", "server_url": "https://x.example"},
                {"type": "image_generation", "model": "gpt-image-1"},
            ],
            "input": [{"type": "additional_tools", "tools": [{"type": "custom", "name": "sh"}]}],
            "prompt": {"id": "p", "variables": {"model": "Tesla"}},
        }
    )
    assert prompt.tools == (
        *(
            Tool("f", "d"),
            Tool("crm", ""),
            Tool("find", ""),
            Tool("mcp", "", hosted="mcp"),
            Tool("gh", "", hosted="gh"),
            Tool("image_generation", "", hosted="image_generation"),
        ),
        Tool("sh", ""),
    )
    assert (prompt.model, prompt.models, prompt.stream) == ("gpt-5", ("gpt-5", "gpt-image-1"), True)
    assert prompt.parameters == Parameters(9, 0.5, 1)


@pytest.mark.parametrize(
    ("body", "unseen"),
    [
        ({"input": "x"}, ()),
        ({"previous_response_id": None, "conversation": ""}, ()),
        ({"previous_response_id": "resp_1"}, ("previous_response_id",)),
        ({"conversation": {"id": "conv_1"}}, ("conversation",)),
        ({"prompt": {"id": "pmpt_1"}}, ("prompt.id",)),
        ({"input": [{"type": "item_reference", "id": "i"}, {"id": "i"}]}, ("item_reference",)),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, ("file_id",)),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "u"}]}]}, ("file_url",)),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, ("vector_store_ids",)),
        ({"tools": [{"type": "code_interpreter", "container": "c"}]}, ("container",)),
        ({"tools": [{"type": "code_interpreter", "container": {"file_ids": ["f"]}}]}, ("file_ids",)),
        ({"metadata": {"file_id": "f"}, "tools": [{"parameters": {"file_id": "x"}}]}, ()),
        ({"input": [{"type": "function_call", "name": "f", "arguments": '{"file_id": "f"}'}]}, ()),
    ],
)
def test_what_the_gateway_did_not_see_is_named(body: dict[str, Any], unseen: tuple[str, ...]) -> None:
    assert read_prompt(body).unseen == unseen


def test_a_response_says_how_it_ended_and_what_it_took() -> None:
    found = read_completion(wire.document([wire.message("hi"), wire.function_call("f", "{}")]))
    assert (found.model, found.finish_reason, found.usage) == (
        "gpt-5",
        "completed",
        Usage(1234567, 7654321, 7, 0, 5),
    )
    assert [call.name for call in found.tool_calls] == ["f"]
    assert not any(part.text in ("1234567", "7654321", "1795334400") for part in found.parts)
    cut = wire.document([], status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert read_completion(cut).finish_reason == "max_output_tokens"
    assert read_completion({"object": "response.input_tokens", "input_tokens": 11}).tool_calls == ()
    assert read_completion({"error": {"message": "no", "type": "t", "code": "c"}}).tool_calls == ()


@pytest.mark.parametrize(
    "body", ["x", [], {"output": {}}, {"output": ["x"]}, {"data": "x"}, {"tool_calls": [{}]}]
)
def test_a_response_in_which_calls_cannot_be_told_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed):
        read_completion(body)


def test_any_prompt_that_is_json_is_read() -> None:
    for body in (None, "x", [1], {"input": 7}, {"input": ["x", 1]}, {"tools": "x"}, {"prompt": "p"}):
        read_prompt(body)
