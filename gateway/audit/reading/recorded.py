"""One decision as it was recorded: what policy was asked, rebuilt exactly from the record's line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.contract import Syntax
from gateway.words import Kind, PartPlace, Phase

Json = dict[str, Any]  # an object as the record has it
Lost = Literal["", "not_recorded", "erased", "unreadable"]
"""Why an input cannot be rebuilt: `decision.record` was metadata, its body is gone, its line is damaged."""


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """One decision as it was recorded; `input` is None when it cannot be rebuilt, and `lost` says why."""

    decision_id: str = ""
    exchange_id: str = ""
    session_id: str = ""
    agent: str = ""
    phase: Phase = "request"
    recorded_at: str = ""
    enforced: bool = True
    action: str = ""
    revision: str = ""
    decision: Json | None = None
    input: Json | None = None
    approval_status: str = ""
    syntax: tuple[Syntax, ...] = ()
    lost: Lost = ""


def rebuild(line: bytes) -> RecordedDecision:
    """Rebuild what policy was asked and said from a record's line; as JSON the input is what the engine got.

    Never raises: a decision without its input says why.
    """
    try:
        record = msgspec.json.decode(line, type=_Line)
    except _DAMAGED:
        return RecordedDecision(lost="unreadable")
    columns = {name: getattr(record, name) for name in _Line.__struct_fields__ if name != "body"}
    try:
        body = msgspec.json.decode(record.body, type=_Body)  # integers of any size stay exact
        lost = _lost(body)
        return RecordedDecision(
            **columns,
            decision=body.decision,
            input=None if lost else _document(body),
            approval_status=str(body.input["approval"]["status"]),
            syntax=_syntax(body.parts),
            lost=lost,
        )
    except _DAMAGED:
        return RecordedDecision(**columns, lost="unreadable" if _holds_input(record.body) else "erased")


_DAMAGED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError)


class _Part(msgspec.Struct):
    role: str
    kind: Kind
    pointer: str
    new: bool
    text: str | None = None
    place: PartPlace | None = None
    entities: tuple[str, ...] = ()
    score: float = 1.0


class _Body(msgspec.Struct):
    input: Json
    parts: tuple[_Part, ...]
    decision: Json


class _Line(msgspec.Struct):
    decision_id: str
    exchange_id: str
    session_id: str
    agent: str
    phase: Phase
    recorded_at: str
    enforced: bool
    action: str
    revision: str
    body: msgspec.Raw = msgspec.Raw(b"null")


def _lost(body: _Body) -> Lost:
    whole = (
        all(part.text is not None for part in body.parts if part.new)
        and all("description" in tool for tool in body.input["tools"])
        and all("arguments" in call for call in body.input["tool_calls"])
    )
    if whole:
        return ""
    return "not_recorded" if body.decision["record"] == "metadata" else "erased"


def _document(body: _Body) -> Json:
    """Return the recorded input with its parts back in their place."""
    seen = [_part(part) for part in body.parts if part.new or part.place != "structural"]
    return {**body.input, "prompt": {"parts": seen, **body.input["prompt"]}}


def _part(part: _Part) -> Json:
    return {
        "role": part.role,
        "kind": part.kind,
        "pointer": part.pointer,
        "text": part.text if part.new else "",
        "new": part.new,
    }


def _syntax(parts: Sequence[_Part]) -> tuple[Syntax, ...]:
    return tuple(
        Syntax(part.place, part.entities, part.kind, part.score)
        for part in parts
        if part.place and part.entities
    )


def _holds_input(body: msgspec.Raw) -> bool:
    """Return whether anything is left of what policy was asked."""
    try:
        left = msgspec.json.decode(body)
    except _DAMAGED:
        return True
    return isinstance(left, dict) and "input" in left
