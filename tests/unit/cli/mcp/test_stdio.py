"""What is no request is answered by an error, or not at all; one that is, by its result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.mcp.stdio import McpTool, Server
from gateway.errors import ConfigError


def _fail(_: Any) -> Any:
    raise ConfigError("not so")


def _break(_: Any) -> Any:
    raise KeyError("gone")


HALF = "\ud800"  # of a surrogate pair: JSON may hold it, UTF-8 may not

TOOLS = [
    McpTool("echo", "Says it again.", {"said": {"type": "string"}}, lambda given: given["said"], ["said"]),
    McpTool("fail", "Fails.", {}, _fail),
    McpTool("break", "Breaks.", {}, _break),
    McpTool("encode", "Writes.", {"said": {"type": "string"}}, lambda given: given["said"].encode()),
    McpTool("decode", "Reads.", {}, lambda _: b"\xff".decode()),
]


def ask(*lines: Any) -> list[Any]:
    answers: list[str] = []
    sent = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    Server(TOOLS, "Do this.").serve(sent, answers.append)
    return [json.loads(answer.encode()) for answer in answers]


def call(method: str, **parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        ([1], -32600),
        ({"id": [1], "method": "ping"}, -32600),
        (b'{"id": NaN, "method": "ping"}', -32600),
        (call(HALF), -32601),
        (call("tools/call", name=HALF), -32602),
        (call("resources/list"), -32601),
        (call("tools/call", name="nothing"), -32602),
    ],
)
def test_what_is_no_request_is_an_error(line: Any, code: int) -> None:
    (answer,) = ask(line)
    assert answer["error"]["code"] == code


def test_notifications_and_answers_are_not_answered() -> None:
    assert (
        ask({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"id": 1, "result": {}}, b"\n") == []
    )


def test_a_version_that_is_known_is_spoken() -> None:
    known, unknown = ask(
        call("initialize", protocolVersion="2025-03-26"), call("initialize", protocolVersion="2999-01-01")
    )
    assert known["result"]["protocolVersion"] == "2025-03-26"
    assert unknown["result"]["protocolVersion"] == "2025-11-25"
    assert known["result"]["instructions"] == "Do this."


@pytest.mark.parametrize(
    ("name", "arguments", "text", "failed"),
    [
        ("echo", {"said": "x"}, "x", False),
        ("echo", {"said": 7}, "said: expected string", True),
        ("echo", {}, "missing arguments: said", True),
        ("echo", {"said": "x", "more": 1}, "unknown arguments: more; expected said", True),
        ("echo", [1], "expected arguments by their names", True),
        ("fail", {}, "not so", True),
        ("break", {}, "this call failed: KeyError('gone')", True),
        ("echo", {"said": HALF}, HALF, False),
        ("echo", {HALF: 7}, f"unknown arguments: {HALF}; expected said", True),
    ],
)
def test_a_tool_answers_or_says_why_not(name: str, arguments: Any, text: str, failed: bool) -> None:
    (answer,) = ask(call("tools/call", name=name, arguments=arguments))
    assert answer["result"] == {"content": [{"type": "text", "text": text}], "isError": failed}


@pytest.mark.parametrize("lost", [("encode", {"said": HALF}), ("decode", {}), ("break", {})])
def test_no_request_ends_the_server(lost: tuple[str, Any]) -> None:
    name, arguments = lost
    first, second, last = ask(
        call("tools/call", name=name, arguments=arguments), {**call("ping"), "id": HALF}, call("ping")
    )
    assert first["result"]["isError"]
    assert (second["id"], second["result"], last["result"]) == (HALF, {}, {})
