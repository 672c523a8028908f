"""A session as the evidence tells it: what was asked, decided, approved and answered, each at its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from gateway.audit.reading import query
from gateway.errors import RegateError

Kind = Literal["prompt", "decision", "approval", "completion", "refusal"]

_RECORDS = """
    SELECT recorded_at, kind, exchange_id, decision_id, agent, owner, on_behalf_of, delegation, provider,
        model, phase, action, enforced, revision, status, code, approval_id, input_tokens, output_tokens,
        duration_ms, findings, reasons, writer, seq,
        CASE kind WHEN 'approval' THEN {'event': body->>'$.event', 'by': coalesce(body->>'$.approver', ''),
            'note': coalesce(body->>'$.note', '')} END AS act,
        CASE kind WHEN 'refusal' THEN body->>'$.message' END AS message
    FROM stored.records WHERE session_id = ? AND kind IN ('decision', 'approval', 'completion', 'refusal')
    ORDER BY recorded_at, writer, seq
"""
_PARTS = """
    SELECT writer, seq, role, kind, pointer, text, coalesce(length(text), -1) AS characters
    FROM parts WHERE session_id = ? AND is_new AND kind <> 'field'
    ORDER BY writer, seq, place
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `record` holds its record's columns, `parts` what was said for the first time.

    A prompt is told by its first decision, or by its refusal where policy was never asked; it happened when
    the exchange began. A completion that never came to its end is told by the decision on it.
    """

    at: datetime
    kind: Kind
    record: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]] = ()


def read_story(root: Path, session_id: str) -> list[Event]:
    """Read the events of a session in the order in which they happened. Raises RegateError without any."""
    said: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for part in _rows(root, _PARTS, session_id):
        said.setdefault((part["writer"], part["seq"]), []).append(part)
    records = _rows(root, _RECORDS, session_id)
    if not records:
        raise RegateError(f"no session {session_id!r} in the evidence; `regate sessions list` names them")
    answered = {record["exchange_id"] for record in records if record["kind"] == "completion"}
    events: list[Event] = []
    begun: set[str] = set()
    for record in records:
        parts = said.get((record["writer"], record["seq"]), [])
        if record["exchange_id"] not in begun and record["kind"] != "approval":
            begun.add(record["exchange_id"])
            events.append(_prompt(record, parts))
        events.append(_event(record, parts, answered))
    return list(_once(sorted(events, key=lambda event: event.at)))


def _once(events: Sequence[Event]) -> Iterator[Event]:
    """Leave out the answers that an agent sends back as history."""
    answers: set[str] = set()
    for event in events:
        if event.kind == "prompt":
            fresh = [
                part for part in event.parts if part["role"] != "assistant" or part["text"] not in answers
            ]
            yield replace(event, parts=fresh)
            continue
        answers.update(part["text"] for part in event.parts)
        yield event


def _prompt(record: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Event:
    began = _at(record) - timedelta(milliseconds=max(record["duration_ms"], 0))
    return Event(began, "prompt", record, parts)


def _event(record: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], answered: set[str]) -> Event:
    unanswered = record["phase"] == "response" and record["exchange_id"] not in answered
    says = record["kind"] == "completion" or unanswered
    return Event(_at(record), record["kind"], record, parts if says else ())


def _at(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["recorded_at"])


def _rows(root: Path, select: str, session_id: str) -> list[dict[str, Any]]:
    with query(root, select, [session_id]) as result:
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
