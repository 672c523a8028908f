"""Decisions rebuilt from their lines."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.audit.reading.recorded import rebuild


def line_of(**changes: Any) -> bytes:
    part = {"role": "user", "kind": "text", "pointer": "/a", "new": True, "text": "hi", "digest": "d"}
    body = {
        "input": {"prompt": {"findings": []}, "tools": [], "tool_calls": [], "approval": {"status": "none"}},
        "parts": [part],
        "decision": {"action": "allow", "record": "masked"},
    }
    columns = {
        "decision_id": "de_1",
        "exchange_id": "ex_1",
        "session_id": "se_1",
        "agent": "coder",
        "phase": "request",
        "recorded_at": "2026-11-27T08:00:00.000000Z",
        "enforced": True,
        "action": "allow",
        "revision": "r1",
    }
    return orjson.dumps({**columns, "body": {**body, **changes}})


def test_the_input_has_its_parts_back() -> None:
    """As the engine got it."""
    found = rebuild(line_of())
    assert found.lost == ""
    assert found.input is not None
    assert found.input["prompt"]["parts"] == [
        {"role": "user", "kind": "text", "pointer": "/a", "text": "hi", "new": True}
    ]


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        (b"{", "unreadable"),
        (line_of(input={}), "unreadable"),
        (orjson.dumps({**orjson.loads(line_of()), "body": None}), "erased"),
        (
            line_of(
                decision={"record": "metadata"},
                parts=[{"role": "user", "kind": "text", "pointer": "/a", "new": True}],
            ),
            "not_recorded",
        ),
    ],
)
def test_what_cannot_be_rebuilt_says_why(line: bytes, lost: str) -> None:
    """It never raises."""
    found = rebuild(line)
    assert (found.lost, found.input) == (lost, None)
