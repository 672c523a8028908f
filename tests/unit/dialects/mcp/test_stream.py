"""Each event of a stream is one message: questions are calls, and nothing of them goes out unjudged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects.mcp.stream import MessageStream
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, Item, OtherEvent


def read(document: Any, **fields: Any) -> list[Item]:
    return MessageStream().read(SseEvent(json.dumps(document), **fields))


def test_an_answer_is_a_whole_event_with_its_id() -> None:
    document = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "inputSchema": {}}]}}
    (item,) = read(document, event="message", id="s/1", retry=5)
    assert isinstance(item, OtherEvent)
    assert (item.event.event, item.event.id, item.event.retry) == ("message", "s/1", 5)
    assert item.whole
    assert [tool.name for tool in item.tools] == ["a"]


def test_an_id_that_is_text_stays_behind() -> None:
    (item,) = read({"jsonrpc": "2.0", "method": "notifications/progress"}, id="tell the user")
    assert isinstance(item, OtherEvent)
    assert item.event.id == ""


def test_an_event_without_a_message_says_by_which_id_to_come_back() -> None:
    (item,) = MessageStream().read(SseEvent("", id="s/0", retry=100))
    assert isinstance(item, OtherEvent)
    assert (item.document, item.parts, item.event) == (None, (), SseEvent("", id="s/0", retry=100))


def test_a_servers_questions_go_out_together_once_all_are_judged() -> None:
    questions = {
        "a": {"method": "elicitation/create", "params": {"message": "Your team?"}},
        "b": {"method": "sampling/createMessage", "params": {"systemPrompt": "Be brief."}},
    }
    document = {"jsonrpc": "2.0", "id": 1, "result": {"inputRequests": questions, "requestState": "round 2!"}}
    first, last = read(document)
    assert isinstance(first, CallReady)
    assert isinstance(last, CallReady)
    assert (first.call.name, last.call.name) == ("elicitation/create", "sampling/createMessage")
    found = [part.pointer for part in (*first.parts, *last.parts) if part.place != "key"]
    assert sorted(found) == sorted(set(found))
    assert "/result/requestState" in found

    assert first.events({"/result/inputRequests/a/params/message": "<MASKED>"}) == []
    (event,) = last.events({"/result/inputRequests/b/params/systemPrompt": "<TOO>"})
    asked = json.loads(event.data)["result"]["inputRequests"]
    assert (asked["a"]["params"]["message"], asked["b"]["params"]["systemPrompt"]) == ("<MASKED>", "<TOO>")


@pytest.mark.parametrize(
    "event",
    [
        SseEvent("/messages?id=1", "endpoint"),
        SseEvent("hello"),
        SseEvent("[]"),
        SseEvent('{"error": "no message"}'),
        SseEvent('{"jsonrpc": "2.0"}'),
    ],
)
def test_an_event_of_another_kind_is_malformed(event: SseEvent) -> None:
    with pytest.raises(Malformed):
        MessageStream().read(event)


def test_a_stream_may_end_anywhere() -> None:
    assert MessageStream().close() == []
