"""What is shipped of a record: its line as it stands, or the OCSF event that it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gateway.audit.files.line import open_line
from gateway.audit.reading.ocsf import event_of_record

_GRAVE = ("deny", "require_approval")
_SHORT = 500  # characters of a text that is cut


@dataclass(frozen=True, slots=True)
class Message:
    """One record on its way: `short` stands in for a body that the receiver finds too large."""

    writer: str
    seq: int
    recorded_at: str
    kind: str
    exchange_id: str
    grave: bool  # whether something was denied or held
    body: bytes
    short: bytes

    @property
    def uid(self) -> str:
        """The record's name, as events have it: of two messages with it, one is a repetition."""
        return f"{self.writer}:{self.seq}"


def message_of(line: bytes, form: Literal["ocsf", "records"], most: int) -> Message | None:
    """Return the message of a record; None for one that is no event. One over `most` bytes is cut."""
    record = _decoded(line)
    if form == "records":
        body, short = line, open_line(line).without_body().withheld()
    else:
        event = event_of_record(record)
        if event is None:
            return None
        body, short = _json(event), _json(_cut(event))
    return Message(
        writer=record["writer"],
        seq=record["seq"],
        recorded_at=record["recorded_at"],
        kind=record["kind"],
        exchange_id=record["exchange_id"],
        grave=record["kind"] == "refusal" or record["action"] in _GRAVE,
        body=body if len(body) <= most else short,
        short=short,
    )


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:  # an integer over 64 bits
        found = json.loads(line)
    assert isinstance(found, dict)
    return found


def _cut(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without what may be long: what OCSF has no word for, and the end of its message."""
    kept = {name: value for name, value in event.items() if name not in ("unmapped", "http_request")}
    return {**kept, "message": kept["message"][:_SHORT]}


def _json(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
