"""Proves one file of records in itself, in a process of its own: what joins the files is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gateway.audit import parquet
from gateway.audit.folder import Folder, is_tombstone
from gateway.audit.record import BrokenLine, Link, check, check_either
from gateway.audit.segment import dead_segment

_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Task:
    """A live segment, or a sealed file with the SHA-256 that its seal says."""

    root: Path
    path: Path
    sha256: str = ""
    erased: bool = False  # some records of it may go without their bodies


@dataclass(frozen=True, slots=True)
class Run:
    """Sound records of one writer that follow each other, from a line (from 1) on."""

    line: int
    writer: str
    seq: int
    prev: str
    hashes: bytes

    @property
    def count(self) -> int:
        return len(self.hashes) // _HASH_BYTES

    def hash(self, place: int) -> bytes:
        """Of the record at this place in the run, from 0."""
        return self.hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES]

    def cut(self, start: int, stop: int) -> Run:
        """The records at these places."""
        prev = self.hash(start - 1).hex() if start else self.prev
        hashes = self.hashes[start * _HASH_BYTES : stop * _HASH_BYTES]
        return Run(self.line + start, self.writer, self.seq + start, prev, hashes)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds: its sound lines, why it could not be read on, and whether it is as sealed."""

    runs: tuple[Run, ...] = ()
    broken: str = ""
    buried: bool = False
    torn: int = 0
    changed: bool = False
    parted: int = 0

    @property
    def lines(self) -> int:
        return sum(run.count for run in self.runs)

    def part(self, first: int, last: int) -> list[Run]:
        """The runs between two lines, both from 1 and included."""
        parts = []
        for run in self.runs:
            start, stop = max(first - run.line, 0), min(last - run.line + 1, run.count)
            if start < stop:
                parts.append(run.cut(start, stop))
        return parts


def prove_file(task: Task) -> Found:
    """Read a file to its end or to its first broken line."""
    folder = Folder(task.root)
    try:
        if not task.sha256 and is_tombstone(task.path):
            return Found(buried=True)
        lines = parquet.lines(task.path) if task.sha256 else _live_lines(task.path)
        runs, broken = _runs(lines, check_either if task.erased else check)
        if not task.sha256:
            return _torn(folder, task.path, runs, broken)
        changed = parquet.file_sha256(task.path) != task.sha256
        parted = (parquet.first_parted(task.path) or 0) if changed and not broken else 0
        return Found(runs, broken, changed=changed, parted=parted)
    except (OSError, duckdb.Error, UnicodeError) as error:
        return Found(broken=f"it cannot be read: {error}")


def _runs(lines: Iterator[bytes], check: Callable[[bytes], Link]) -> tuple[tuple[Run, ...], str]:
    runs: list[Run] = []
    first, hashes = None, bytearray()
    line_number, start, last = 0, 0, None
    try:
        for line_number, line in enumerate(lines, start=1):
            link = check(line)
            if last is None or (link.seq, link.prev, link.writer) != (last.seq + 1, last.hash, last.writer):
                if first is not None:
                    runs.append(Run(start, first.writer, first.seq, first.prev, bytes(hashes)))
                first, start, hashes = link, line_number, bytearray()
            hashes += bytes.fromhex(link.hash)
            last = link
    except BrokenLine as error:
        broken = str(error)
    else:
        broken = ""
    if first is not None:
        runs.append(Run(start, first.writer, first.seq, first.prev, bytes(hashes)))
    return tuple(runs), broken


def _live_lines(path: Path) -> Iterator[bytes]:
    """Whole lines; what follows the last newline is being written, or torn."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def _torn(folder: Folder, path: Path, runs: tuple[Run, ...], broken: str) -> Found:
    """A crash's torn tail is no break: the next start cuts it off and records that."""
    with dead_segment(folder, path.stem) as dead:
        tail = dead.torn_tail() if dead else None
    if tail is None:
        return Found(runs, broken)
    with path.open("rb") as file:
        whole = file.read(tail.offset).count(b"\n")
    return Found(runs, broken if sum(run.count for run in runs) < whole else "", torn=tail.bytes)
