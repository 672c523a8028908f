"""What an analyst finds in the views after real exchanges: messages, calls, times, and the caller's trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.audit.reading import query
from tests.support.application import Opened

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
}
PROMPT: dict[str, Any] = {
    "model": "demo",
    "stream": True,
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "write to jane@acme.org"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ],
}


async def test_an_exchange_is_found_as_messages_with_its_trace(tmp_path: Path, opened: Opened) -> None:
    """A value is a placeholder there, and a trace that is none of the standard's is not taken down."""
    async with opened() as running:
        for trace in (f"00-{TRACE}-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01"):
            headers = {"authorization": f"Bearer {running.key}", "traceparent": trace}
            headers["x-regate-tags"] = "team=payments, who=jane@acme.org"
            answer = await running.http.post("/demo/v1/chat/completions", json=PROMPT, headers=headers)
            assert answer.status_code == 200
    rows: dict[str, list[Any]] = {}
    for name, sql in {
        "decisions": "SELECT trace_id FROM decisions ORDER BY recorded_at",
        "completions": "SELECT trace_id, ttft_ms BETWEEN 0 AND duration_ms, response_model, finish_reason"
        " FROM completions ORDER BY recorded_at",
        "exchanges": "SELECT tags['team'], tags['who'] = regexp_extract(messages[1].content, '<.*>') FROM"
        " exchanges JOIN contents USING (exchange_id)",
        "policy": "SELECT DISTINCT to_json(tags) = (body->'$.input.exchange.tags') FROM records"
        " WHERE kind = 'decision'",
        "contents": "SELECT system, messages, answers[1].role FROM contents ORDER BY started_at LIMIT 1",
    }.items():
        with query(tmp_path / "audit", sql) as found:
            rows[name] = list(found.rows)

    assert rows["decisions"] == [[TRACE], [None]]
    assert rows["completions"] == [[TRACE, True, "demo", "stop"], [None, True, "demo", "stop"]]
    assert rows["exchanges"] == [["payments", True]] * 2
    assert rows["policy"] == [[True]]
    [(system, messages, answering)] = rows["contents"]
    assert (system, answering) == ("be brief", "assistant")
    assert [(said["role"], said["name"]) for said in messages] == [
        ("user", "ann"),
        ("assistant", None),
        ("tool", None),
    ]
    assert messages[0]["content"].startswith("write to <EMAIL_ADDRESS_")
    assert messages[1:] == [
        {"role": "assistant", "content": 'weather\n{"city":"Rome"}', "name": None},
        {"role": "tool", "content": "sunny", "name": None},
    ]
