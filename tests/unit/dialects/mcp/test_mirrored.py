"""Headers say what the body says, or the request is refused; masked values are masked there, too."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.dialects.mcp.mirrored import check, decoded, mirror
from gateway.dialects.reading.document import Malformed, serialize

CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "run",
        "arguments": {"region": "eu", "deep": {"n": 42, "on": True}, "who": "jane@acme.org"},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"},
    },
}


def spelt(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"mcp-method": "tools/call", "mcp-name": "run", "mcp-protocol-version": "2026-07-28"},
        {"mcp-name": spelt("run"), "mcp-param-region": "eu", "mcp-param-n": "42", "mcp-param-on": "true"},
        {"mcp-session-id": "any"},
    ],
)
def test_headers_that_agree_pass(headers: dict[str, str]) -> None:
    check(CALL, headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": "Tools/call"},
        {"mcp-method": "tools/call, tools/list"},
        {"mcp-name": "ls"},
        {"mcp-name": ""},
        {"mcp-name": "=?base64?!?="},
        {"mcp-protocol-version": "2025-11-25"},
        {"mcp-param-region": "us"},
    ],
)
def test_headers_that_contradict_the_body_are_malformed(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        check(CALL, headers)


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("resources/read", {"uri": "file:///ä"}, spelt("file:///ä")),
        ("prompts/get", {"name": "greet"}, "greet"),
        ("tasks/get", {"taskId": "t1"}, "t1"),
    ],
)
def test_the_name_is_that_of_the_method(method: str, params: dict[str, Any], name: str) -> None:
    document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    check(document, {"mcp-name": name})
    with pytest.raises(Malformed):
        check(document, {"mcp-name": "other"})


def test_headers_without_a_body_or_for_an_answer_say_nothing_of_one() -> None:
    with pytest.raises(Malformed):
        check({"jsonrpc": "2.0", "id": 1, "result": {}}, {"mcp-method": "tools/call"})


def test_a_masked_argument_is_masked_in_its_header() -> None:
    masked = {
        **CALL,
        "params": {**CALL["params"], "arguments": {"region": "eu", "deep": {"n": 42}, "who": "<E>"}},
    }
    headers = {"mcp-param-who": "jane@acme.org", "mcp-param-region": "eu", "mcp-param-on": "true", "x": "1"}
    assert mirror(headers, serialize(CALL), masked) == {
        "mcp-param-who": "<E>",
        "mcp-param-region": "eu",
        "mcp-param-on": "",
    }


@pytest.mark.parametrize(
    ("after", "header"),
    [
        ({"<E>": {"password": "<P>"}, "note": "hunter2"}, ""),
        ({"a@b.example": {"password": "<P>"}, "note": "hunter2"}, "<P>"),
        ({"a@b.example": {"password": "hunter2"}, "note": "hunter2"}, "hunter2"),
    ],
)
def test_a_header_says_nothing_that_one_of_its_places_does_not(after: dict[str, Any], header: str) -> None:
    before = {"params": {"arguments": {"a@b.example": {"password": "hunter2"}, "note": "hunter2"}}}
    said = mirror({"mcp-param-x": "hunter2"}, serialize(before), {"params": {"arguments": after}})
    assert said == {"mcp-param-x": header}


@pytest.mark.parametrize("text", ["plain", "ä", " padded ", "a\nb", "=?base64?literal?=", ""])
def test_a_header_means_what_the_argument_says(text: str) -> None:
    call = {"params": {"arguments": {"a": text}}}
    (value,) = mirror({"mcp-param-a": spelt(text)}, serialize(call), call).values()
    assert decoded(value) == text
