"""The table of clients, its page, and the model that the scripted provider plays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects import read_completion, stream_reader
from suites.clients import answers
from suites.clients.__main__ import _PAGE, _TASK
from suites.clients.answers import Call
from suites.clients.provider import say
from suites.clients.table import CLIENTS

CALL = Call("note", {"address": "<EMAIL_ADDRESS_aaaaaa>", "number": "<PHONE_NUMBER_aaaaaa>"})
APIS = {
    "openai.chat": (answers.chat, answers.chat_events),
    "openai.responses": (answers.responses, answers.responses_events),
    "anthropic.messages": (answers.messages, answers.messages_events),
    "gemini.generate": (answers.gemini, answers.gemini_events),
    "ollama.chat": (answers.ollama, answers.ollama_lines),
}


def test_the_page_has_a_row_for_each_client() -> None:
    rows = _PAGE.read_text("utf-8")
    assert [client.name for client in CLIENTS if f"| {client.name} |" not in rows] == []


@pytest.mark.parametrize("dialect", APIS)
def test_what_the_model_says_is_what_the_dialect_reads(dialect: str) -> None:
    whole, events = APIS[dialect]
    (call,) = read_completion(dialect, whole(CALL, "m")).tool_calls
    assert (call.name, call.arguments) == (CALL.name, CALL.arguments)
    assert "hello" in [part.text for part in read_completion(dialect, whole("hello", "m")).parts]
    for said in (CALL, "a longer text"):
        assert len(list(events(said, "m"))) >= 1
    assert stream_reader(dialect) is not None


def _request(*more: dict[str, Any]) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": "note", "parameters": {"type": "object"}}}]
    return {"messages": [{"role": "user", "content": _TASK}, *more], "tools": tools}


def test_the_model_calls_the_tool_first_and_tells_all_of_it_then() -> None:
    called = say(_request())
    assert isinstance(called, Call)
    assert called.name == "note"
    told = say(_request({"role": "tool", "content": json.dumps("noted")}))
    assert isinstance(told, str)
    for value in (*called.arguments.values(), "ghp_"):
        assert str(value) in told
