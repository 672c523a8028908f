"""How far each receiver is: a cursor over the evidence, durable beside it, and how the last attempt went.

audit/shipping/<receiver>.json    {"cursor": {"seals": …, "last": …, "writers": {…}}, "shipped_at": …, …}
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.audit.files import signed_log
from gateway.audit.files.folder import TOMBSTONE, Folder, split_segment
from gateway.audit.files.log_lines import SealedSegment
from gateway.audit.shipping.places import Reached, place_of
from gateway.config import AuditReceiver


class Cursor(msgspec.Struct, frozen=True):
    """What is shipped: the first `seals` bytes of the seals, and each writer's records up to one of them.

    `last` is the end of those bytes. Of a writer that is not named, only what is sealed there is shipped.
    """

    seals: int = 0
    last: str = ""
    writers: dict[str, Reached] = {}

    def has(self, sealed: SealedSegment) -> bool:
        """Return whether all of a sealed segment is shipped."""
        reached = self.writers.get(sealed["writer"])
        if reached is None:
            return False
        if reached.segment == sealed["segment"]:
            return (reached.seq, reached.hash) == (sealed["last_seq"], sealed["hash"])
        return is_behind(sealed["segment"], reached.segment)


class ShippingState(msgspec.Struct, frozen=True):
    """The cursor, when it last moved, and since when and why it cannot."""

    cursor: Cursor = Cursor()
    shipped_at: str = ""
    failing_since: str = ""
    failure: str = ""
    dropped: int = 0  # records that retention removed before they were shipped


@dataclass(frozen=True, slots=True)
class Standing:
    """A receiver as operators see it: behind by so many records."""

    receiver: str
    url: str
    behind: int
    state: ShippingState


class StateFile:
    """Where one receiver's state is."""

    def __init__(self, folder: Folder, receiver: str) -> None:
        self._folder = folder
        self._path = folder.shipping / f"{receiver}.json"

    def load(self) -> ShippingState:
        """Return the state; where there is none a fresh one, which ships all anew. Raises OSError."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ShippingState)
        except (FileNotFoundError, msgspec.MsgspecError):
            return ShippingState()

    def save(self, state: ShippingState) -> None:
        """Keep the state durably. Raises OSError."""
        disk = self._folder.disk
        disk.make_folder(self._path.parent)
        disk.replace(self._path, msgspec.json.encode(state), self._path.with_suffix(".aside"))
        disk.sync_folder(self._path.parent)


def standings(root: Path, receivers: Sequence[AuditReceiver]) -> Iterator[Standing]:
    """Yield how each receiver stands, by what is on disk. Raises OSError."""
    folder = Folder(root)
    for receiver in receivers:
        state = StateFile(folder, receiver.name).load()
        yield Standing(receiver.name, receiver.url, count_behind(folder, state.cursor), state)


def count_behind(folder: Folder, cursor: Cursor) -> int:
    """Count the records that are not shipped: of what is sealed, and of what is live. Raises OSError."""
    live = folder.live_files()  # before the seals: what is sealed meanwhile is met there
    lines = [msgspec.json.decode(line) for line in signed_log.lines(folder.seals, cursor.seals)]
    gone = {line["path"] for line in lines if line["kind"] == "dropped"}
    sealed = {
        each["segment"]: (each["first_seq"], each["last_seq"])
        for line in lines
        if line["kind"] == "seal" and line["path"] not in gone
        for each in line["segments"]
        if not cursor.has(each)
    }
    named = {each["segment"] for line in lines if line["kind"] == "seal" for each in line["segments"]}
    open_ = {path.stem: span for path in live if path.stem not in named and (span := _span(path))}
    return sum(_left(cursor, segment, *span) for segment, span in (sealed | open_).items())


def _left(cursor: Cursor, segment: str, first: int, last: int) -> int:
    writer, _ = split_segment(segment) or ("", 0)
    reached = cursor.writers.get(writer)
    if reached is None or is_behind(reached.segment, segment):
        return last - first + 1
    return max(0, last - reached.seq) if reached.segment == segment else 0


def is_behind(one: str, other: str) -> bool:
    """Return whether one segment comes before another of the same writer."""
    first, second = split_segment(one), split_segment(other)
    return first is not None and second is not None and first[1] < second[1]


def _span(path: Path) -> tuple[int, int] | None:
    """Return the numbers of a live segment's first and last record; None where it has none."""
    try:
        with path.open("rb") as file:
            first = file.readline()
            end = signed_log.line_end(file.fileno(), os.fstat(file.fileno()).st_size)
            start = signed_log.line_end(file.fileno(), end - 1) if end else 0
            last = os.pread(file.fileno(), end - start, start)
    except FileNotFoundError:
        return None
    if not end or first.startswith(TOMBSTONE):
        return None
    one, other = place_of(first.rstrip(b"\n")), place_of(last.rstrip(b"\n"))
    return (one.seq, other.seq) if one and other else None
