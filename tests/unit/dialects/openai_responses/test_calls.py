"""A call that was held is told again from its last event, with the texts that were decided."""

from __future__ import annotations

import json
from typing import Any

from gateway.dialects.openai_responses.calls import HeldCall, ready
from tests.support.responses_wire import function_call


def told(item: dict[str, Any], texts: dict[str, str], **options: Any) -> list[dict[str, Any]]:
    events = ready(2, item, [4, 9], **{"closes": True, **options}).events(texts)
    return [json.loads(event.data) for event in events]


def test_a_call_begins_empty_and_grows_once() -> None:
    added, delta, done, closed = told(function_call("f", '{"a":1}'), {"/output/2/arguments": '{"a":2}'})
    assert (added["item"]["arguments"], added["item"]["status"], added["sequence_number"]) == (
        "",
        "in_progress",
        4,
    )
    assert (delta["delta"], delta["item_id"], delta["output_index"]) == ('{"a":2}', "fc_a", 2)
    assert (done["arguments"], closed["item"]["arguments"], closed["sequence_number"]) == (
        '{"a":2}',
        '{"a":2}',
        9,
    )
    assert len(told(function_call("f", "{}"), {}, closes=False)) == 3


def test_a_call_without_deltas_begins_with_all_but_its_results() -> None:
    item = {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": 1200000}, "output": ["o"]}
    added, closed = told(item, {"/output/2/action/commands/0": "pwd"})
    assert added["item"] == {**item, "action": {"commands": ["pwd"], "timeout_ms": 1200000}, "output": None}
    assert closed["item"]["output"] == ["o"]
    assert item["action"]["commands"] == ["ls"]


def test_a_number_stays_one_unless_it_is_masked() -> None:
    item = {"type": "odd_call", "number": 4111111111111111}
    same = {"/output/2/number": "4111111111111111"}
    assert told(item, same)[0]["item"]["number"] == 4111111111111111
    assert told(item, {"/output/2/number": "<CARD>"})[0]["item"]["number"] == "<CARD>"


def test_the_deltas_speak_for_an_item_that_does_not() -> None:
    held = HeldCall([1])
    for number, piece in enumerate(('{"a', '":1}')):
        held.take(
            {"type": "response.function_call_arguments.delta", "delta": piece, "sequence_number": number}
        )
    held.take({"type": "response.function_call_arguments.done", "arguments": "{}", "sequence_number": 7})
    held.take({"type": "response.odd.searching", "sequence_number": 8})
    item = function_call("f", "")
    held.complete(item)
    assert item["arguments"] == '{"a":1}'
    spoken = function_call("f", '{"b":2}')
    held.complete(spoken)
    assert spoken["arguments"] == '{"b":2}'
    assert held.numbers == [1, 8]
    assert [event["type"] for event in held.progress] == ["response.odd.searching"]
