"""What to seal next, and which segments share a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import msgspec

from gateway.audit.files.folder import Folder, split_segment
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import Seal, SealedSegment
from gateway.audit.files.merkle import Frontier
from gateway.audit.journal.dead import dead_segment
from gateway.audit.journal.writers import Register, is_free

_SMALL = 1024 * 1024  # bytes
_GATHERED = 64  # so many small segments do not wait any longer


@dataclass(frozen=True, slots=True)
class End:
    """Where the sealed part of a writer's chain ends: its last record, and the Merkle tree up to there."""

    seq: int = 0
    hash: str = GENESIS
    peaks: tuple[str, ...] = ()

    @classmethod
    def of(cls, sealed: SealedSegment) -> End:
        """Return the end at a sealed segment."""
        return cls(sealed["last_seq"], sealed["hash"], tuple(sealed["peaks"]))

    def tree(self) -> Frontier:
        return Frontier(self.seq, [bytes.fromhex(peak) for peak in self.peaks])


class Voucher(msgspec.Struct, frozen=True):
    """What vouches for a writer's records: its birth's digest and the keys since, as hexadecimal digits.

    Of a chain from before births: the number and the hash of the last record that a signed head names.
    """

    birth: str = ""
    keys: tuple[str, ...] = ()
    seq: int = 0
    hash: str = ""


class SealRequest(msgspec.Struct, frozen=True):
    """What the sealer's child process is to do: which segments go into which file."""

    root: str
    ends: dict[str, End]  # by writer: where the sealed part of its chain ends
    files: list[list[str]]
    writers: dict[str, Voucher]


class SealReport(msgspec.Struct, frozen=True):
    """What one file has, if it was written; the segments that are refused, and why it failed this time."""

    file: str = ""
    segments: list[SealedSegment] = []
    refused: dict[str, str] = {}
    failed: str = ""
    date: str = ""
    parquet_sha256: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Closed:
    """A whole segment that no process writes any more."""

    writer: str
    number: int
    segment: str
    size: int
    written_at: datetime


def seal_ends(seals: Iterable[Seal]) -> dict[str, tuple[int, End]]:
    """Return each writer's last sealed segment, by number, and the end of its chain there."""
    ends: dict[str, tuple[int, End]] = {}
    for each in (each for seal in seals for each in seal["segments"]):
        if (place := split_segment(each["segment"])) and place[1] > ends.get(place[0], (0, End()))[0]:
            ends[place[0]] = place[1], End.of(each)
    return ends


def closed_segments(
    folder: Folder,
    left_out: Collection[str],
    register: Register,
    claim: Callable[[str], None],
    all_hosts: bool,
) -> list[Closed]:
    """List the closed segments in their chains' order, also of writers that are not registered.

    A segment that its writer did not close is claimed first, so that a writer that lives after all notices.
    A torn segment is not closed: it waits for a journal's start.
    """
    live = [path for path in folder.live_files() if path.stem not in left_out]
    register.read_ahead()  # a writer is born before its first segment
    closed = []
    for path in live:
        place, found = split_segment(path.stem), path.stat()
        if place is None or found.st_size == 0 or not _ends_in_newline(path):
            continue
        with dead_segment(folder, path.stem) as dead:
            if dead is None:
                continue
            if register.of(path.stem):
                if not is_free(path.stem, register, all_hosts=all_hosts):
                    continue
                if path.stem not in register.ended:
                    claim(path.stem)
            written_at = datetime.fromtimestamp(found.st_mtime, UTC)
            closed.append(Closed(*place, path.stem, found.st_size, written_at))
    return sorted(closed)


def plan(closed: Sequence[Closed], sealed: Mapping[str, int], gather: timedelta) -> list[list[str]]:
    """Return the files to write, in order: the segments of each.

    A segment follows its chain's sealed ones. Small ones share a file a day, once the oldest has waited for
    `gather`, there are many, or a large one waits behind them.
    """
    small: list[Closed] = []
    large: list[Closed] = []
    gathered, all_of = dict(sealed), dict(sealed)
    pressing = False
    for each in closed:
        if each.size < _SMALL and each.number == gathered.get(each.writer, 0) + 1:
            small.append(each)
            gathered[each.writer] = all_of[each.writer] = each.number
        elif each.size >= _SMALL and each.number == all_of.get(each.writer, 0) + 1:
            large.append(each)
            pressing |= gathered.get(each.writer, 0) > sealed.get(each.writer, 0)
            all_of[each.writer] = each.number
    now = datetime.now(UTC)
    if not (pressing or len(small) >= _GATHERED or any(now - each.written_at >= gather for each in small)):
        small = []
    days = groupby(
        sorted(small, key=lambda each: (each.written_at.date(), each)), lambda each: each.written_at.date()
    )
    return [[each.segment for each in day] for _, day in days] + [[each.segment] for each in large]


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
