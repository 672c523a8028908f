"""The decisions that the journal holds, live and sealed segments, one line at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import duckdb
import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import TOMBSTONE, Folder, split_segment
from gateway.audit.files.log_lines import Seal, SealedSegment
from gateway.audit.reading.recorded import RecordedDecision, rebuild
from gateway.errors import RegateError

_HEAD = re.compile(rb'\{"writer":"[a-z0-9]+","seq":\d+,"recorded_at":"([^"]{27})","kind":"decision"')
_PLACE = re.compile(rb'\{"writer":"([a-z0-9]+)","seq":(\d+),')


class EvidenceUnreadable(RegateError):
    """A segment of the journal cannot be read."""


def decision_lines(root: Path, since: datetime | None = None) -> Iterator[bytes]:
    """Yield the lines of the decisions recorded since a time, segment by segment: each writer's in order.

    A segment that is sealed meanwhile is read once. Raises EvidenceUnreadable.
    """
    folder = Folder(root)
    for source in _sources(folder):
        yield from _lines(folder, source, since)


def count_decisions(root: Path, since: datetime | None = None) -> int:
    """Count the lines that `decision_lines` gives, at less cost. Raises EvidenceUnreadable."""
    folder = Folder(root)
    return sum(_count(folder, source, since) for source in _sources(folder))


def find_decision(root: Path, decision_id: str) -> RecordedDecision | None:
    """Return the decision of that id, or None when the journal has none. Raises EvidenceUnreadable."""
    if not decision_id.isascii():
        return None
    folder, name = Folder(root), b'"decision_id":"%b"' % decision_id.encode()
    for source in _sources(folder):
        for line in _lines(folder, source, None, decision_id):
            if name in line and (recorded := rebuild(line)).decision_id == decision_id:
                return recorded
    return None


def dropped(root: Path, since: datetime | None = None) -> tuple[int, int]:
    """Count the segments that were sealed since a time and are no longer there, and the records they had.

    Raises EvidenceUnreadable.
    """
    folder = Folder(root)
    try:
        gone = [
            each["last_seq"] - each["first_seq"] + 1
            for seal in _seals(folder)
            if (since is None or datetime.fromisoformat(seal["visible_at"]) >= since)
            for each in seal["segments"]
            if not _is_there(folder, seal, each["segment"])
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceUnreadable(f"{folder.seals}: {error}; see regate audit verify") from error
    return len(gone), sum(gone)


@dataclass(frozen=True, slots=True)
class _Source:
    """A sealed file, or a live segment that no seal names."""

    path: Path
    segment: str = ""


def _seals(folder: Folder) -> list[Seal]:
    lines = [orjson.loads(line) for line in signed_log.lines(folder.seals)]
    return [line for line in lines if line["kind"] == "seal"]


def _sources(folder: Folder) -> list[_Source]:
    """List where every record is read once: sealed files in their order, then the segments without a seal."""
    live = folder.live_files()  # before the seals: what is sealed meanwhile is met there
    try:
        seals = _seals(folder)
        sealed = {each["segment"] for seal in seals for each in seal["segments"]}
        files = [_Source(path) for seal in seals if (path := folder.root / seal["path"]).exists()]
        writers = _writers(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceUnreadable(f"{folder.root}: {error}; see regate audit verify") from error
    return files + [
        _Source(path, path.stem)
        for path in live
        if path.stem not in sealed and (place := split_segment(path.stem)) and place[0] in writers
    ]


def _writers(folder: Folder) -> frozenset[str]:
    """Return the writers that the log names; as in the views, `regate audit verify` proves that it may."""
    lines = (orjson.loads(line) for line in signed_log.lines(folder.checkpoints))
    return frozenset(line["writer"] for line in lines if line["kind"] in ("birth", "head"))


def _lines(folder: Folder, source: _Source, since: datetime | None, decision_id: str = "") -> Iterator[bytes]:
    from gateway.audit.files import (
        parquet,  # DuckDB takes 0.15 s to import, and not every caller needs it
    )

    path, sealed = source.path, None
    if source.segment:
        with _live(folder, source.segment) as file:
            if file is not None:
                yield from _from_live(file, since)
                return
        path, sealed = _sealed_since(folder, source.segment)
    try:
        for line in parquet.decisions(path, since, decision_id):
            if sealed is None or _is_of(sealed, line):
                yield line
    except (duckdb.Error, OSError) as error:
        raise EvidenceUnreadable(f"{path}: cannot be read: {error}") from error


def _count(folder: Folder, source: _Source, since: datetime | None) -> int:
    from gateway.audit.files import parquet  # as above

    if source.segment:
        return sum(1 for _ in _lines(folder, source, since))
    try:
        return parquet.count_decisions(source.path, since)
    except (duckdb.Error, OSError) as error:
        raise EvidenceUnreadable(f"{source.path}: cannot be read: {error}") from error


@contextmanager
def _live(folder: Folder, segment: str) -> Iterator[BinaryIO | None]:
    """Open the live segment; yield None when it is sealed and buried. Once open it stays whole."""
    try:
        with folder.live(segment).open("rb") as file:
            yield None if file.read(len(TOMBSTONE)) == TOMBSTONE else file
    except FileNotFoundError:
        yield None


def _is_there(folder: Folder, seal: Seal, segment: str) -> bool:
    if (folder.root / seal["path"]).exists():
        return True
    with _live(folder, segment) as file:
        return file is not None


def _sealed_since(folder: Folder, segment: str) -> tuple[Path, SealedSegment]:
    """Return the file of a segment that was sealed and buried meanwhile, and which records are its own."""
    for seal in _seals(folder):
        for each in seal["segments"]:
            if each["segment"] == segment:
                return folder.root / seal["path"], each
    raise EvidenceUnreadable(f"{segment}: it was sealed, but its seal is gone; see regate audit verify")


def _is_of(sealed: SealedSegment, line: bytes) -> bool:
    place = _PLACE.match(line)
    return (
        place is not None
        and place[1].decode() == sealed["writer"]
        and sealed["first_seq"] <= int(place[2]) <= sealed["last_seq"]
    )


def _from_live(file: BinaryIO, since: datetime | None) -> Iterator[bytes]:
    oldest = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode() if since else b""
    file.seek(0)
    for line in file:
        head = _HEAD.match(line)
        if head and head[1] >= oldest and line.endswith(b"\n"):  # a torn line is not recorded yet
            yield line[:-1]
