"""Tool calls: arguments are read in their plainest spelling, and calls in odd places are refused."""

from typing import Any

import pytest

from gateway.dialects.reading.calls import (
    call_name,
    names_call,
    parse_arguments,
    plain_arguments,
    pointers_below,
    refuse_calls,
    refuse_hidden_calls,
)
from gateway.dialects.reading.document import Malformed
from gateway.words import Part


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [("", {}), ('{"a": 1}', {"a": 1}), ("[1]", None), ('{"a": 1, "a": 2}', None), ('{"a"', None)],
)
def test_arguments_are_one_object_or_none(raw: str, arguments: object) -> None:
    assert parse_arguments(raw) == arguments


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (r'{"to": "a\u0040b.example"}', '{"to":"a@b.example"}'),
        ('{"n": 4.1e15}', '{"n":4100000000000000}'),
        (r'{"broken": "\u0040"', r'{"broken": "\u0040"'),
        ('{"n":  1}', '{"n":  1}'),
    ],
)
def test_only_what_is_spelled_oddly_is_written_anew(raw: str, plain: str) -> None:
    assert plain_arguments(raw) == plain


def test_pointers_below_are_those_of_the_value_and_its_leaves() -> None:
    parts = [Part("", "field", at, "x") for at in ("/a", "/a/b", "/ab", "/a/b")]
    assert pointers_below(parts, "/a") == ("/a", "/a/b")


@pytest.mark.parametrize("name", ["tool_use", "toolCalls", "computer_call", "mcp-call"])
def test_a_member_that_is_named_like_a_call_is_refused_unless_it_was_read(name: str) -> None:
    assert names_call(name)
    refuse_calls({name: [{}]}, name)
    refuse_calls({name: "text"})
    with pytest.raises(Malformed):
        refuse_calls({name: [{}]})


def test_a_call_has_a_name() -> None:
    assert call_name({"name": "f"}) == "f"
    with pytest.raises(Malformed):
        call_name({"name": None})


CALLS = {
    "chat": {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}}]},
    "chat, one call alone": {"type": "function", "function": {"name": "f", "arguments": "{}"}},
    "chat, before tools": {"message": {"function_call": {"name": "f", "arguments": "{}"}}},
    "responses": {"output": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
    "responses, custom": {"output": [{"type": "custom_tool_call", "name": "f", "input": "x"}]},
    "responses, computer": {"output": [{"type": "computer_call", "action": {"type": "click"}}]},
    "responses, MCP": {"output": [{"type": "mcp_call", "name": "f", "arguments": "{}"}]},
    "messages": {"content": [{"type": "tool_use", "name": "f", "input": {}}]},
    "messages, of a server": {"content": [{"type": "server_tool_use", "name": "f", "input": {}}]},
    "gemini": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}}]},
    "gemini, snake case": {"parts": [{"function_call": {"name": "f"}}]},
    "bedrock": {"output": {"message": {"content": [{"toolUse": {"name": "f", "input": {}}}]}}},
    "ollama": {"message": {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}},
    "MCP": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": {}}},
}


@pytest.mark.parametrize("shape", CALLS)
@pytest.mark.parametrize("around", [lambda one: one, lambda one: [one], lambda one: {"x": [{"y": one}]}])
def test_a_call_of_any_vocabulary_is_refused_wherever_it_stands(shape: str, around: Any) -> None:
    with pytest.raises(Malformed):
        refuse_hidden_calls(around(CALLS[shape]))


@pytest.mark.parametrize(
    "document",
    [
        {"usage": {"server_tool_use": {"web_search_requests": 3}}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
        {"data": [{"id": "gpt-5", "object": "model", "owned_by": "x"}]},
        {"text": "please make a tool_call", "tool_calls": [], "function_call": None, "tool_use": "no"},
        {"method": "tools/list", "params": {}},
        [1.5, "tools/call", None],
    ],
)
def test_what_is_no_call_passes(document: Any) -> None:
    refuse_hidden_calls(document)
