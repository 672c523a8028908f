"""What policy was asked, rebuilt from the journal exactly: live and sealed segments, one line at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec
import orjson

from gateway.audit import signed_log
from gateway.audit.folder import TOMBSTONE, Folder
from gateway.errors import RegateError
from gateway.exchange import Phase
from gateway.guards import Syntax

Lost = Literal["", "not_recorded", "erased", "unreadable"]
"""Why an input cannot be rebuilt: `decision.record` was metadata, its body is gone, its line is damaged."""

_HEAD = re.compile(rb'\{"writer":"[a-z0-9]+","seq":\d+,"recorded_at":"([^"]{27})","kind":"decision"')


class EvidenceUnreadable(RegateError):
    """A segment of the journal cannot be read."""


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
    decision: dict[str, Any] | None = None
    input: dict[str, Any] | None = None
    syntax: tuple[Syntax, ...] = ()
    lost: Lost = ""


def decision_lines(root: Path, since: datetime | None = None) -> Iterator[bytes]:
    """The lines of the decisions recorded since a time, segment by segment: each writer's in order.

    A segment that is sealed meanwhile is read once. Raises EvidenceUnreadable.
    """
    folder = Folder(root)
    for segment in _segments(folder):
        yield from _lines(folder, segment, since)


def count_decisions(root: Path, since: datetime | None = None) -> int:
    """How many lines `decision_lines` gives, at less cost. Raises EvidenceUnreadable."""
    folder = Folder(root)
    return sum(_count(folder, segment, since) for segment in _segments(folder))


def find_decision(root: Path, decision_id: str) -> RecordedDecision | None:
    """The decision of that id, or None when the journal has none. Raises EvidenceUnreadable."""
    folder, name = Folder(root), b'"decision_id":"%b"' % decision_id.encode()
    for segment in _segments(folder):
        for line in _lines(folder, segment, None, decision_id):
            if name in line and (recorded := rebuild(line)).decision_id == decision_id:
                return recorded
    return None


def dropped(root: Path, since: datetime | None = None) -> tuple[int, int]:
    """Segments that were sealed since a time and are no longer there, and how many records they held.

    Raises EvidenceUnreadable.
    """
    folder = Folder(root)
    if not folder.seals.exists():
        return 0, 0
    try:
        gone = [
            seal["last_seq"] - seal["first_seq"] + 1
            for seal in (orjson.loads(line) for line in signed_log.lines(folder.seals))
            if "first_seq" in seal
            and (since is None or datetime.fromisoformat(seal["visible_at"]) >= since)
            and not _is_there(folder, seal)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceUnreadable(f"{folder.seals}: {error}; see regate audit verify") from error
    return len(gone), sum(gone)


def rebuild(line: bytes) -> RecordedDecision:
    """What policy was asked and said, by a record's line; as JSON the input is exactly what the engine got.

    Never raises: what cannot be rebuilt says why.
    """
    try:
        record = msgspec.json.decode(line)  # integers of any size stay exact
        columns = {name: record[name] for name in _COLUMNS}
        body = record.get("body")
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return RecordedDecision(lost="unreadable")
    if not isinstance(body, dict) or "input" not in body:
        return RecordedDecision(**columns, lost="erased")
    try:
        parts, said = body["parts"], body["decision"]
        lost = _lost(parts, said)
        document = None if lost else _document(body["input"], parts)
        return RecordedDecision(**columns, decision=said, input=document, syntax=_syntax(parts), lost=lost)
    except (KeyError, TypeError, AttributeError):
        return RecordedDecision(**columns, lost="unreadable")


_COLUMNS = (
    "decision_id",
    "exchange_id",
    "session_id",
    "agent",
    "phase",
    "recorded_at",
    "enforced",
    "action",
    "revision",
)


def _lost(parts: Sequence[dict[str, Any]], said: dict[str, Any]) -> Lost:
    if all("text" in part for part in parts if part["new"]):
        return ""
    return "not_recorded" if said["record"] == "metadata" else "erased"


def _document(asked: dict[str, Any], parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The recorded input with its parts put back where `policy_input` has them."""
    seen = [_part(part) for part in parts if part["new"] or part.get("place") != "structural"]
    return {**asked, "prompt": {"parts": seen, **asked["prompt"]}}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    return {
        "role": part["role"],
        "kind": part["kind"],
        "pointer": part["pointer"],
        "text": part["text"] if part["new"] else "",
        "new": part["new"],
    }


def _syntax(parts: Sequence[dict[str, Any]]) -> tuple[Syntax, ...]:
    return tuple(Syntax(part["place"], tuple(part["entities"])) for part in parts if "entities" in part)


def _segments(folder: Folder) -> list[str]:
    return sorted({path.stem for path in [*folder.live_files(), *folder.sealed_files()]})


def _lines(folder: Folder, segment: str, since: datetime | None, decision_id: str = "") -> Iterator[bytes]:
    from gateway.audit import parquet  # DuckDB takes 0.15 s to import, and whoever imports us may not need it

    with _live(folder, segment) as file:
        if file is not None:
            yield from _from_live(file, since)
            return
    for path in _sealed(folder, segment):
        try:
            yield from parquet.decisions(path, since, decision_id)
        except (parquet.Error, OSError) as error:
            raise EvidenceUnreadable(f"{path}: cannot be read: {error}") from error


def _count(folder: Folder, segment: str, since: datetime | None) -> int:
    from gateway.audit import parquet  # as above

    with _live(folder, segment) as file:
        if file is not None:
            return sum(1 for _ in _from_live(file, since))
    try:
        return sum(parquet.count_decisions(path, since) for path in _sealed(folder, segment))
    except (parquet.Error, OSError) as error:
        raise EvidenceUnreadable(f"{segment}: cannot be read: {error}") from error


@contextmanager
def _live(folder: Folder, segment: str) -> Iterator[BinaryIO | None]:
    """The live segment; None when it is sealed and buried. Once open it stays whole."""
    try:
        with folder.live(segment).open("rb") as file:
            yield None if file.read(len(TOMBSTONE)) == TOMBSTONE else file
    except FileNotFoundError:
        yield None


def _is_there(folder: Folder, seal: Mapping[str, Any]) -> bool:
    if (folder.root / seal["path"]).exists():
        return True
    with _live(folder, seal["segment"]) as file:
        return file is not None


def _sealed(folder: Folder, segment: str) -> list[Path]:
    """Looked up when it is needed: a segment may be sealed after the folder was listed."""
    return sorted(folder.sealed.glob(f"*/{segment}.parquet"))


def _from_live(file: BinaryIO, since: datetime | None) -> Iterator[bytes]:
    oldest = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode() if since else b""
    file.seek(0)
    for line in file:
        head = _HEAD.match(line)
        if head and head[1] >= oldest and line.endswith(b"\n"):  # a torn line is not recorded yet
            yield line[:-1]
