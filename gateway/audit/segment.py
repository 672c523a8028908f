"""One writer's chain on disk: its live segment, appended a batch at a time, and the dead ones it finds."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import orjson

from gateway.audit import signed_log
from gateway.audit.folder import Folder, is_tombstone, locked, segment_name, split_segment
from gateway.audit.heads import Head
from gateway.audit.record import BrokenLine, Draft, chain, check
from gateway.audit.signed_log import line_end

_CHUNK = 4 * 1024 * 1024
_COARSE = 0.1  # seconds that a file's time may be behind the clock

_log = logging.getLogger("regate.audit")


class LiveChain:
    """Appends records to a writer's segments. Not for two threads at once.

    The live segment is locked (flock) for as long as its writer lives. After an OSError nothing of the batch
    counts: the next append first cuts off what may have reached the file.
    """

    def __init__(self, folder: Folder, writer: str, *, segment_bytes: int, segment_seconds: float) -> None:
        if split_segment(segment_name(writer, 1)) is None:
            raise ValueError(f"{writer!r} cannot name a writer: expected lower-case letters and digits")
        self._folder = folder
        self._disk = folder.disk
        self._writer = writer
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._number = 0
        self._descriptor = -1
        self._size = 0  # bytes that count
        self._opened = self._opened_at = 0.0  # monotonic, and by the wall clock
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
        self._disk.write(self._descriptor, data)
        self._disk.sync(self._descriptor)
        self._dirty = False
        self._size += len(data)
        self.head = head

    def rotate_when_due(self) -> None:
        """Close the live segment when it is large or old, or somebody asks; appending opens the next one."""
        aged = time.monotonic() - self._opened >= self._segment_seconds
        if self._size and (aged or self._size >= self._segment_bytes or self._asked()):
            self.close()

    def _asked(self) -> bool:
        """Whether segments as old as this one are to be closed: something in them is to be erased."""
        try:
            return self._folder.rotate.stat().st_mtime + _COARSE >= self._opened_at
        except OSError:
            return False

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
        """Lock the next segment before it gets its name, so that nobody takes it for a dead one.

        A link, not a rename: it never takes the place of a segment that is there.
        """
        segment = segment_name(self._writer, self._number + 1)
        path = self._folder.live(segment)
        aside = path.with_suffix(".opening")
        descriptor = self._disk.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        linked = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._disk.link(aside, path)
            linked = True
            self._disk.unlink(aside)
            self._disk.sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            for left in (aside, path) if linked else (aside,):
                with suppress(OSError):
                    self._disk.unlink(left)
            raise
        self._descriptor, self._size, self._dirty = descriptor, 0, False
        self._opened, self._opened_at = time.monotonic(), time.time()
        self._number += 1
        self.head = Head(segment, self.head.seq, self.head.hash, self.head.tree)

    def _mend(self) -> None:
        if self._dirty:
            self._disk.truncate(self._descriptor, self._size)
            self._disk.sync(self._descriptor)
            self._dirty = False

    def _link(self, drafts: Iterable[Draft]) -> tuple[bytes, Head]:
        seq, prev, tree, lines = self.head.seq, self.head.hash, self.head.tree.copy(), []
        for made in drafts:
            seq += 1
            line, prev = chain(made, self._writer, seq, prev)
            tree.add(bytes.fromhex(prev))
            lines.append(line)
        return b"".join(lines), Head(self.head.segment, seq, prev, tree)


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a dead writer left behind its last whole line."""

    segment: str
    offset: int
    bytes: int
    sha256: str


class DeadSegment:
    """A segment whose writer is gone, locked for the caller."""

    def __init__(self, folder: Folder, name: str, descriptor: int) -> None:
        self.name = name
        self._folder = folder
        self._descriptor = descriptor

    def torn_tail(self) -> TornTail | None:
        """The end of a batch that was never durable, so that nobody counts on it; None when all is whole.

        It begins at a line without its newline or, after a power cut that lost pages before others, at one
        with zeros in it (JSON has none). What a signed head names was durable: damage there is for `verify`.
        """
        size = os.fstat(self._descriptor).st_size
        end = self._whole_end(size)
        if end == size:
            return None
        if (signed := self._signed_seq()) > self._seq_before(end):
            _log.error(
                "%s is damaged before its signed record %d: see regate audit verify", self.name, signed
            )
            return None
        digest = hashlib.sha256()
        for start in range(end, size, _CHUNK):
            digest.update(os.pread(self._descriptor, min(_CHUNK, size - start), start))
        return TornTail(self.name, end, size - end, digest.hexdigest())

    def cut(self, tail: TornTail) -> None:
        self._folder.disk.truncate(self._descriptor, tail.offset)
        self._folder.disk.sync(self._descriptor)

    def _whole_end(self, size: int) -> int:
        end = line_end(self._descriptor, size)
        if end:
            with mmap.mmap(self._descriptor, end, prot=mmap.PROT_READ) as content:
                if (zero := content.find(b"\0")) >= 0:
                    return line_end(self._descriptor, zero)
        return end

    def _seq_before(self, end: int) -> int:
        """The number of the record that ends there; 0 when none does."""
        start = line_end(self._descriptor, max(0, end - 1))
        try:
            return check(os.pread(self._descriptor, max(0, end - 1 - start), start)).seq
        except BrokenLine:
            return 0

    def _signed_seq(self) -> int:
        """The writer's last signed record in this segment, 0 without one; reads the whole log."""
        ours = b'"segment":"%b"' % self.name.encode()
        signed = 0
        for line in signed_log.lines(self._folder.checkpoints):
            if ours in line:
                with suppress(orjson.JSONDecodeError, KeyError, ValueError):  # spoilt: `verify` names it
                    signed = max(signed, int(orjson.loads(line)["seq"]))
        return signed


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
            yield DeadSegment(folder, segment, descriptor) if taken else None
    finally:
        os.close(descriptor)
