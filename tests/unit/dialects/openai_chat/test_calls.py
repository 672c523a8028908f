"""Tool calls are put together from their pieces, and refused where the pieces disagree."""

import json
from typing import Any

import pytest

from gateway.dialects.openai_chat.calls import GrowingCalls
from gateway.dialects.reading.document import Malformed


def piece(**function: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": function}]}


def test_a_call_is_whole_once_its_choice_has_ended() -> None:
    calls = GrowingCalls()
    assert [
        calls.take(delta) for delta in (piece(name="f", arguments='{"a"'), piece(arguments=": 1}"), {})
    ] == [
        True,
        True,
        False,
    ]
    (call,) = calls.end(2, {"id": "x"})
    assert (call.call.name, call.call.arguments) == ("f", {"a": 1})
    assert call.call.pointers == ("/choices/2/message/tool_calls/0/function/arguments",)
    (event,) = call.events({call.call.pointers[0]: "{}"})
    assert json.loads(event.data)["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert calls.end(2, {}) == []


def test_the_legacy_call_is_one_too_and_dropped_calls_never_end() -> None:
    calls = GrowingCalls()
    calls.take({"function_call": {"name": "f", "arguments": ""}})
    assert [one.call.name for one in calls.end(0, {})] == ["f"]
    calls.take(piece(name="f"))
    calls.drop()
    assert calls.end(0, {}) == []


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": {}},
        {"tool_calls": ["f"]},
        {"tool_calls": [{"index": "0", "function": {"name": "f"}}]},
        {"tool_calls": [{"index": -1, "function": {"name": "f"}}]},
        {"tool_calls": [{"index": True, "function": {"name": "f"}}]},
        {"function_call": "f"},
        {"tool_calls": [{"index": 0, "id": "a"}, {"index": 0, "id": "b"}]},
    ],
)
def test_pieces_of_no_call_are_malformed(delta: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        GrowingCalls().take(delta)


@pytest.mark.parametrize(
    ("pieces", "names"),
    [
        ([{"id": "a", "function": {"name": "f"}}, {"id": "b", "function": {"name": "g"}}], ["f", "g"]),
        ([{"function": {"name": "f"}}, {"function": {"name": "g"}}], ["f", "g"]),
        ([{"index": 0, "function": {"name": "f"}}, {"index": 0, "function": {"name": "g"}}], ["fg"]),
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f"}},
                {"index": 0, "id": "b", "function": {"name": "g"}},
            ],
            ["f", "g"],
        ),
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f"}},
                {"index": 0, "id": "b", "function": {"name": "g"}},
                {"index": 1, "id": "c", "function": {"name": "h"}},
                {"index": 0, "function": {"arguments": "{}"}},
            ],
            ["f", "g", "h"],
        ),
    ],
)
def test_a_new_id_or_name_begins_a_call_where_no_index_tells(pieces: list[Any], names: list[str]) -> None:
    calls = GrowingCalls()
    for one in pieces:
        calls.take({"tool_calls": [one]})
    made = calls.end(0, {})
    assert [one.call.name for one in made] == names
    assert len({one.parts[0].pointer for one in made}) == len(names)
