"""One writer's chain on disk: its live segment, appended a batch at a time, and the dead ones it finds."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gateway.audit.folder import Folder, is_tombstone, locked, segment_name, split_segment, sync_folder
from gateway.audit.record import GENESIS, Draft, chain
from gateway.audit.signed_log import whole_end, write_whole


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a writer's chain; seq 0 before the first record."""

    segment: str = ""
    seq: int = 0
    hash: str = GENESIS


class LiveChain:
    """Appends records to a writer's segments. Not for two threads at once.

    The live segment is locked (flock) for as long as its writer lives. After an OSError nothing of the batch
    counts: the next append first cuts off what may have reached the file.
    """

    def __init__(self, folder: Folder, writer: str, *, segment_bytes: int, segment_seconds: float) -> None:
        if split_segment(segment_name(writer, 1)) is None:
            raise ValueError(f"{writer!r} cannot name a writer: expected lower-case letters and digits")
        self._folder = folder
        self._writer = writer
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._number = 0
        self._descriptor = -1
        self._size = 0  # bytes that count
        self._opened = 0.0
        self._dirty = False
        self.head = Head()

    def append(self, drafts: Iterable[Draft]) -> None:
        """Write the drafts as one durable batch. Raises OSError: then none of them is in the chain."""
        self.rotate_when_due()
        if self._descriptor < 0:
            self._open()
        self._mend()
        data, head = self._link(drafts)
        self._dirty = True
        write_whole(self._descriptor, data)
        os.fdatasync(self._descriptor)
        self._dirty = False
        self._size += len(data)
        self.head = head

    def rotate_when_due(self) -> None:
        """Close the live segment when it is large or old enough; the next append opens the next one."""
        aged = time.monotonic() - self._opened >= self._segment_seconds
        if self._size and (aged or self._size >= self._segment_bytes):
            self.close()

    def close(self) -> None:
        """Give the segment up: the sealer may have it. Raises OSError when its end cannot be made clean."""
        if self._descriptor < 0:
            return
        self._mend()
        os.close(self._descriptor)
        self._descriptor = -1
        self._size = 0

    def abandon(self) -> None:
        """Let go of the file as a crash would; what may be torn at its end is cut off by the next start."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        """Lock the next segment before it gets its name, so that nobody takes it for a dead one."""
        segment = segment_name(self._writer, self._number + 1)
        path = self._folder.live(segment)
        aside = path.with_suffix(".opening")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(aside, path)
            sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                aside.unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            raise
        self._descriptor, self._size, self._opened, self._dirty = descriptor, 0, time.monotonic(), False
        self._number += 1
        self.head = Head(segment, self.head.seq, self.head.hash)

    def _mend(self) -> None:
        if self._dirty:
            os.ftruncate(self._descriptor, self._size)
            os.fdatasync(self._descriptor)
            self._dirty = False

    def _link(self, drafts: Iterable[Draft]) -> tuple[bytes, Head]:
        seq, prev, lines = self.head.seq, self.head.hash, []
        for made in drafts:
            seq += 1
            line, prev = chain(made, self._writer, seq, prev)
            lines.append(line)
        return b"".join(lines), Head(self.head.segment, seq, prev)


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a dead writer left behind its last whole line."""

    segment: str
    offset: int
    bytes: int
    sha256: str


class DeadSegment:
    """A segment whose writer is gone, locked for the caller."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor

    def torn_tail(self) -> TornTail | None:
        end = whole_end(self._descriptor)
        size = os.fstat(self._descriptor).st_size - end
        if size == 0:
            return None
        tail = os.pread(self._descriptor, size, end)
        return TornTail(self.name, end, size, hashlib.sha256(tail).hexdigest())

    def cut(self, tail: TornTail) -> None:
        os.ftruncate(self._descriptor, tail.offset)
        os.fdatasync(self._descriptor)


@contextmanager
def dead_segment(folder: Folder, segment: str) -> Iterator[DeadSegment | None]:
    """Hold a segment that no writer holds; None when its writer lives, or when it is no longer there."""
    path = folder.live(segment)
    try:
        if is_tombstone(path):
            yield None
            return
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        with locked(descriptor) as taken:
            yield DeadSegment(segment, descriptor) if taken else None
    finally:
        os.close(descriptor)
