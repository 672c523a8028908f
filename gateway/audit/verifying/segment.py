"""Proves one file of records in itself, in a process of its own: what joins the files is the caller's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from gateway.audit.files import parquet
from gateway.audit.files.disk import file_sha256
from gateway.audit.files.folder import Folder, is_tombstone
from gateway.audit.files.heads import head_message
from gateway.audit.files.line import BrokenLine, Link, check, check_either
from gateway.audit.files.signing import Verifier
from gateway.audit.journal.dead import dead_segment

_HASH_BYTES = 32
_LOOKS, _LOOK_SECONDS = 4, 0.5


@dataclass(frozen=True, slots=True)
class Task:
    """A live segment, or a sealed file with the SHA-256 that its seal says.

    `birth` and `keys` say what the batches of a live one are signed with; they are empty for a chain from
    before batches were signed.
    """

    root: Path
    path: Path
    sha256: str = ""
    erased: bool = False  # some records of it may go without their bodies
    birth: str = ""
    keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordRun:
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
        """Return the hash of the record at this place in the run, from 0."""
        return self.hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES]

    def cut(self, start: int, stop: int) -> RecordRun:
        """Return the run of the records at these places."""
        prev = self.hash(start - 1).hex() if start else self.prev
        hashes = self.hashes[start * _HASH_BYTES : stop * _HASH_BYTES]
        return RecordRun(self.line + start, self.writer, self.seq + start, prev, hashes)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds: its sound lines, why it could not be read on, and whether it is as sealed.

    Of a live segment, `signed` lines are in a signed batch, before any forgery; `torn` bytes behind them were
    left by a crash, or `loose` records put there by another hand. `forged` is the first line whose signature
    does not fit.
    """

    runs: tuple[RecordRun, ...] = ()
    broken: str = ""
    buried: bool = False
    signed: int = 0
    forged: int = 0
    torn: int = 0
    loose: int = 0
    changed: bool = False
    parted: int = 0

    @property
    def lines(self) -> int:
        return sum(run.count for run in self.runs)

    def part(self, first: int, last: int) -> list[RecordRun]:
        """Return the runs between two lines, both from 1 and included."""
        parts = []
        for run in self.runs:
            start, stop = max(first - run.line, 0), min(last - run.line + 1, run.count)
            if start < stop:
                parts.append(run.cut(start, stop))
        return parts


def prove_file(task: Task) -> Found:
    """Read a file to its end or to its first broken line."""
    try:
        if task.sha256:
            return _prove_sealed(task)
        return Found(buried=True) if is_tombstone(task.path) else _prove_live(task)
    except (OSError, duckdb.Error, UnicodeError) as error:
        return Found(broken=f"it cannot be read: {error}")


def _prove_sealed(task: Task) -> Found:
    """Prove a sealed file. Its signed seal vouches for it whole, so batches' signatures are not looked at."""
    runs, broken, *_ = _runs(parquet.lines(task.path), check_either if task.erased else check)
    changed = file_sha256(task.path) != task.sha256
    parted = (parquet.first_parted(task.path) or 0) if changed and not broken else 0
    return Found(runs, broken, changed=changed, parted=parted)


def _prove_live(task: Task) -> Found:
    runs, broken, signed, forged = _runs(_live_lines(task.path), check, _voucher(task))
    whole = sum(run.count for run in runs)
    found = Found(runs, broken, signed=signed if task.birth else whole, forged=forged)
    with dead_segment(Folder(task.root), task.path.stem) as dead:
        tail = dead.torn_tail(signed=bool(task.birth)) if dead else None
    if tail is None:
        behind = found.lines - found.signed
        return replace(found, loose=behind) if behind and _stands_still(task.path) else found
    with task.path.open("rb") as file:
        durable = file.read(tail.offset).count(b"\n")
        rest = file.read()
    if found.lines < durable:
        return found  # it is broken before its torn tail
    if tail.records and rest.endswith(b"\n") and b"\0" not in rest:
        # a crash does not stop a write behind a whole line, but for one in thousands
        return replace(found, loose=tail.records)
    # a crash's torn tail is no break: the next start cuts it off and records that
    return replace(found, broken="", torn=tail.bytes)


def _voucher(task: Task) -> Callable[[Link], bool]:
    """Return the check whether a link's signature is that of the segment's writer."""
    verifiers = [Verifier.from_raw(key) for key in task.keys]

    def fits(link: Link) -> bool:
        message = head_message(task.birth, task.path.stem, link.seq, link.hash)
        signature = bytes.fromhex(link.signature)
        return any(verifier.signed(message, signature) for verifier in verifiers)

    return fits


def _stands_still(path: Path) -> bool:
    """Return whether nothing is written for a while: a batch and its signature come in one write."""
    before = path.stat().st_size
    for _ in range(_LOOKS):
        time.sleep(_LOOK_SECONDS)
        if path.stat().st_size != before:
            return False
    return True


def _runs(
    lines: Iterator[bytes], check: Callable[[bytes], Link], fits: Callable[[Link], bool] = lambda _: True
) -> tuple[tuple[RecordRun, ...], str, int, int]:
    """Sound records, why they end before the lines do, the last signed line, and the first falsely signed."""
    runs: list[RecordRun] = []
    first, hashes = None, bytearray()
    start, signed, forged, last, broken = 0, 0, 0, None, ""
    try:
        for line_number, line in enumerate(lines, start=1):
            link = check(line)
            if last is None or (link.seq, link.prev, link.writer) != (last.seq + 1, last.hash, last.writer):
                if first is not None:
                    runs.append(RecordRun(start, first.writer, first.seq, first.prev, bytes(hashes)))
                first, start, hashes = link, line_number, bytearray()
            hashes += bytes.fromhex(link.hash)
            if link.signature and not forged:
                signed, forged = (line_number, 0) if fits(link) else (signed, line_number)
            last = link
    except BrokenLine as error:
        broken = str(error)
    if first is not None:
        runs.append(RecordRun(start, first.writer, first.seq, first.prev, bytes(hashes)))
    return tuple(runs), broken, signed, forged


def _live_lines(path: Path) -> Iterator[bytes]:
    """Whole lines; what follows the last newline is being written, or torn."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]
