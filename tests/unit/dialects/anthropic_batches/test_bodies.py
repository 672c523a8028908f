"""Each request of a batch is read as the message that it asks for, each result as the message that came."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects import Malformed, read_completion, read_prompt
from gateway.dialects.anthropic_batches.bodies import read_line
from gateway.words import Usage


def request(text: str, **params: Any) -> dict[str, Any]:
    return {"custom_id": "1", "params": {"messages": [{"role": "user", "content": text}], **params}}


def test_requests_are_messages() -> None:
    tool = {"name": "f", "description": "d", "input_schema": {"type": "object"}}
    prompt = read_prompt(
        "anthropic.batches", {"requests": [request("a", model="m"), request("b", model="n", tools=[tool])]}
    )

    said = {part.pointer: part.text for part in prompt.parts if (part.role, part.kind) == ("user", "text")}
    assert said == {
        "/requests/0/params/messages/0/content": "a",
        "/requests/1/params/messages/0/content": "b",
    }
    assert (prompt.models, [one.name for one in prompt.tools]) == (("m", "n"), ["f"])
    places = {part.pointer: part.place for part in prompt.parts}
    assert places["/requests/0/custom_id"] == "structural"


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, {"requests": {}}, {"requests": ["x"]}, {"requests": [{"custom_id": "1"}]}),
        {"requests": [request("a"), {"custom_id": "2", "params": [request("b")]}]},
        {"requests": [{**request("a"), "Params": {}}]},
    ],
)
def test_a_request_without_parameters_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed):
        read_prompt("anthropic.batches", body)


def test_parameters_are_left_to_messages_where_they_stand_and_nowhere_else() -> None:
    body = {"requests": [{**request("a"), "custom_id": {"params": "b"}}], "params": "c"}
    assert {"a", "b", "c"} <= {part.text for part in read_prompt("anthropic.batches", body).parts}


def test_results_are_fetched_through_the_gateway() -> None:
    url = "https://api.anthropic.com/v1/messages/batches/b/results"
    one: dict[str, Any] = {"id": "b", "results_url": url}
    listed: dict[str, Any] = {"data": [{"results_url": url}, {"results_url": None}]}
    read_completion("anthropic.batches", one)
    read_completion("anthropic.batches", listed)

    assert one["results_url"] == listed["data"][0]["results_url"] == "/v1/messages/batches/b/results"


def test_a_result_is_a_message() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"q": "x"}}
    message = {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}, block],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    said = read_line({"custom_id": "1", "result": {"type": "succeeded", "message": message}})

    assert said.usage == Usage(1, 2)
    assert [call.pointers for call in said.tool_calls] == [("/result/message/content/1/input/q",)]
    assert ("/result/message/content/0/text", "assistant") in {(one.pointer, one.role) for one in said.parts}


def test_a_result_that_failed_is_read() -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
    said = read_line({"custom_id": "1", "result": {"type": "errored", "error": error}})
    assert "no" in {part.text for part in said.parts}


@pytest.mark.parametrize(
    "line",
    [
        *([], "x", {"result": {"type": "succeeded", "message": "x"}}),
        {"result": {"type": "errored", "content": [{"type": "tool_use", "name": "f", "input": {}}]}},
        {"message": {"content": [{"type": "tool_use", "name": "f", "input": {}}]}},
    ],
)
def test_a_result_that_hides_a_call_is_malformed(line: Any) -> None:
    with pytest.raises(Malformed):
        read_line(line)
