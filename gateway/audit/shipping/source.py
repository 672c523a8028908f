"""What is to be shipped, in batches: sealed files in their order, then what is live, from a cursor on.

A record is met in its live segment as soon as it is written, and again in the sealed file made of it; the
cursor tells that it is the same. A batch that a writer could not make durable is cut off and its numbers are
given to other records: the hash in the cursor tells it, and the segment is shipped from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.audit.files import signed_log
from gateway.audit.files.folder import TOMBSTONE, Folder, split_segment
from gateway.audit.files.line import BrokenLine, check_either
from gateway.audit.files.log_lines import Seal, SealedSegment
from gateway.audit.shipping.places import Reached, place_of
from gateway.audit.shipping.state import Cursor, is_behind

_RECORDS = 500
_BYTES = 1024 * 1024
_MARK = 64  # bytes at the end of a line of the seals, of its signature: no other line has them


class SourceUnreadable(Exception):
    """Evidence that cannot be read, so that nothing behind it can be shipped in order."""


class _CutOff(Exception):
    """The record that the cursor names is not in its segment any more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of records, the cursor behind them, and how many records retention removed before them."""

    lines: list[bytes]
    cursor: Cursor
    dropped: int


class EvidenceSource:
    """Reads an audit folder from a cursor on, pass by pass."""

    def __init__(self, folder: Folder, cursor: Cursor) -> None:
        self._folder = folder
        self._writers = dict(cursor.writers)
        self._seals, self._last = cursor.seals, cursor.last
        self._offsets: dict[str, int] = {}  # of live segments, behind the last line that was given out
        self._registered: frozenset[str] = frozenset()
        self._dropped = 0
        self.unreadable = ""  # why part of the last pass could not be read; the rest was

    def batches(self) -> Iterator[Batch]:
        """Yield what is new; the last batch may be empty: only the cursor moved. Raises SourceUnreadable."""
        lines: list[bytes] = []
        size = 0
        self.unreadable = ""
        for line in self._new():
            lines.append(line)
            size += len(line)
            if len(lines) >= _RECORDS or size >= _BYTES:
                yield self._batch(lines)
                lines, size = [], 0
        yield self._batch(lines)

    def _batch(self, lines: list[bytes]) -> Batch:
        made = Batch(lines, Cursor(self._seals, self._last, dict(self._writers)), self._dropped)
        self._dropped = 0
        return made

    def _new(self) -> Iterator[bytes]:
        live = self._folder.live_files()  # before the seals: what is sealed meanwhile is met there
        yield from self._sealed()
        standing = set()
        for path in live:
            with suppress(FileNotFoundError), path.open("rb") as file:
                if file.read(len(TOMBSTONE)) != TOMBSTONE and (place := split_segment(path.stem)):
                    standing.add(place[0])
                    yield from self._live(path, file, place[0])
        # what is buried is met nowhere but in the seals that were read
        self._writers = {name: one for name, one in self._writers.items() if name in standing}

    def _sealed(self) -> Iterator[bytes]:
        lines = signed_log.lines(self._folder.seals, self._place_in_seals())
        documents = [msgspec.json.decode(line) for line in lines]
        dropped = {one["path"] for one in documents if one["kind"] == "dropped"}
        for line, document in zip(lines, documents, strict=True):
            if document["kind"] == "seal":
                yield from self._file(document, document["path"] in dropped)
            self._seals += len(line) + 1
            self._last = line[-_MARK:].decode()

    def _place_in_seals(self) -> int:
        """Return the place to read from: the beginning, where the log is not the one that was read."""
        if self._seals:
            with self._folder.seals.open("rb") as log:
                log.seek(max(0, self._seals - 1 - _MARK))
                if log.read(_MARK) != self._last.encode() or log.read(1) != b"\n":
                    self._seals, self._last, self._writers, self._offsets = 0, "", {}, {}
        return self._seals

    def _file(self, seal: Seal, dropped: bool) -> Iterator[bytes]:
        """Yield what is new of a sealed file."""
        position = Cursor(writers=self._writers)
        todo = {each["segment"]: each for each in seal["segments"] if not position.has(each)}
        path = self._folder.root / seal["path"]
        if todo and dropped:
            for each in todo.values():  # a live segment that still stands is not read for them either
                self._dropped += each["last_seq"] - each["first_seq"] + 1
                self._writers[each["writer"]] = Reached(each["segment"], each["last_seq"], each["hash"])
        elif todo:
            for segment, lines in groupby(_read(path), lambda line: _segment_of(line, seal["segments"])):
                if segment in todo:
                    yield from self._segment(path, todo[segment], lines)
            if not all(Cursor(writers=self._writers).has(each) for each in todo.values()):
                raise SourceUnreadable(f"{path}: records are missing in it; see regate audit verify")

    def _segment(self, path: Path, sealed: SealedSegment, lines: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from self._fresh(sealed["segment"], lines, sealed["writer"])
        except _CutOff:
            del self._writers[sealed["writer"]]
            segments = [sealed]
            again = (line for line in _read(path) if _segment_of(line, segments))
            yield from self._fresh(sealed["segment"], again, sealed["writer"])

    def _fresh(self, segment: str, lines: Iterable[bytes], writer: str) -> Iterator[bytes]:
        """Yield the lines behind the one that was shipped last. Raises _CutOff when that one is not there."""
        reached = self._writers.get(writer)
        known = reached if reached and reached.segment == segment else None
        met = known is None
        for line in lines:
            place = place_of(line)
            if place is None:
                raise SourceUnreadable(f"{segment}: a line is no record's; see regate audit verify")
            if known and place.seq <= known.seq:
                met = (place.seq, place.hash) == (known.seq, known.hash)
                continue
            if not met:
                break
            self._writers[writer] = Reached(segment, place.seq, place.hash)
            yield line
        if not met:
            raise _CutOff

    def _live(self, path: Path, file: BinaryIO, writer: str) -> Iterator[bytes]:
        """Yield what is new of a live segment, as far as its lines are whole and hold."""
        reached = self._writers.get(writer)
        if (reached and is_behind(path.stem, reached.segment)) or not self._is_registered(writer):
            return
        try:
            try:
                yield from self._fresh(path.stem, self._lines(path.stem, file), writer)
            except _CutOff:
                self._offsets.pop(path.stem, None)
                self._writers.pop(writer, None)
                yield from self._fresh(path.stem, self._lines(path.stem, file), writer)
        except BrokenLine as error:
            self.unreadable = f"{path.stem}: {error}; see regate audit verify"

    def _lines(self, segment: str, file: BinaryIO) -> Iterator[bytes]:
        """Yield a live segment's whole lines, from the last that was given out on, which is among them."""
        reached = self._writers.get(split_segment(segment)[0])  # type: ignore[index]  # it was split before
        known = reached if reached and reached.segment == segment else None
        start = self._offsets.get(segment, 0) if known else 0
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return  # still being written
            bare = line[:-1]
            place = place_of(bare)
            if (
                known
                and start
                and start == self._offsets[segment]
                and (place is None or place.hash != known.hash)
            ):
                raise _CutOff
            if known is None or place is None or place.seq > known.seq:
                check_either(bare)
            self._offsets[segment] = start
            start += len(line)
            yield bare

    def _is_registered(self, writer: str) -> bool:
        """Return whether the log names the writer: a chain that was put into the folder is not shipped."""
        if writer not in self._registered:
            lines = map(msgspec.json.decode, signed_log.lines(self._folder.checkpoints))
            self._registered = frozenset(one["writer"] for one in lines if one["kind"] in ("birth", "head"))
        return writer in self._registered


def _read(path: Path) -> Iterator[bytes]:
    """Yield a sealed file's lines. Raises SourceUnreadable."""
    import duckdb  # here, as what is live is shipped without it

    from gateway.audit.files import parquet

    try:
        yield from parquet.lines(path)
    except duckdb.Error as error:
        raise SourceUnreadable(f"{path}: cannot be read: {error}") from error


def _segment_of(line: bytes, segments: Iterable[SealedSegment]) -> str:
    """Return which of a file's segments a line is of; "" for none."""
    place = place_of(line)
    for each in segments:
        if place and place.writer == each["writer"] and each["first_seq"] <= place.seq <= each["last_seq"]:
            return each["segment"]
    return ""
