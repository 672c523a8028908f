"""One sending of a request and the next are the same to an approval, and each has its own answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects.mcp.sending import addressed, bound, expects_answer, is_endless, replayed, tasks


def call(number: int, **changes: Any) -> dict[str, Any]:
    params = {"name": "run", "arguments": {"id": 7}, "_meta": {"progressToken": number, "client": "x"}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {**params, **changes}}


def test_an_id_and_what_goes_with_it_bind_nothing() -> None:
    assert bound(call(1)) == bound(call(2))


@pytest.mark.parametrize(
    "changes", [{"name": "ls"}, {"arguments": {"id": 8}}, {"_meta": {"client": "y"}}, {"more": 1}]
)
def test_everything_else_binds(changes: dict[str, Any]) -> None:
    assert bound(call(1)) != bound(call(1, **changes))


def test_an_answer_has_the_id_of_its_request() -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {}}
    assert addressed(error, call(9))["id"] == 9
    assert addressed(error, {"jsonrpc": "2.0", "method": "notifications/initialized"}) == error
    assert addressed(error, None) == error
    assert addressed(call(1), call(9)) == call(1)


def test_a_kept_answer_is_that_to_the_request_that_gets_it() -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
    note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}
    assert json.loads(replayed(json.dumps(answer).encode(), call(9))) == {**answer, "id": 9}

    events = f"id: a\ndata: \n\ndata: {json.dumps(note)}\n\nevent: message\ndata: {json.dumps(answer)}\n\n"
    lines = replayed(events.encode(), call(9)).decode().splitlines()
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert data == [note, {**answer, "id": 9}]
    assert lines[0] == "id: a"


def test_requests_expect_answers_and_notifications_none() -> None:
    assert expects_answer(call(1))
    assert not expects_answer({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert not expects_answer({"jsonrpc": "2.0", "id": 1, "result": {}})
    assert not expects_answer(None)


def test_a_stream_that_listens_has_no_end() -> None:
    assert is_endless(None)
    assert is_endless({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen"})
    assert not is_endless(call(1))


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"params": {"taskId": "t1"}}, {"t1"}),
        ({"params": {"taskIds": ["t1", 7]}}, {"t1"}),
        ({"params": {"notifications": {"taskIds": ["t1", "t2"]}}}, {"t1", "t2"}),
        ({"params": {"_meta": {"io.modelcontextprotocol/related-task": {"taskId": "t1"}}}}, {"t1"}),
        ({"result": {"taskId": "t1", "result": {"structuredContent": {"taskId": "x"}}}}, {"t1"}),
        ({"result": {"task": {"taskId": "t1"}}}, {"t1"}),
        ({"result": {"tasks": [{"taskId": "t1"}, {"taskId": "t2"}, 3]}}, {"t1", "t2"}),
        ({"result": {"taskId": {"a": 1}}}, set()),
        ({"params": {"arguments": {"taskId": "x"}}}, set()),
    ],
)
def test_tasks_are_named_where_the_schemas_name_them(members: dict[str, Any], named: set[str]) -> None:
    assert tasks({"jsonrpc": "2.0", **members}) == named


def test_what_is_no_message_names_no_task() -> None:
    assert tasks(None) == tasks([{"params": {"taskId": "t1"}}]) == frozenset()
