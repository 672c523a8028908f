"""Segments whose writers are dead, and the torn tails that those writers left."""

from __future__ import annotations

import hashlib
import logging
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import orjson

from gateway.audit.files import signed_log
from gateway.audit.files.folder import Folder, is_tombstone
from gateway.audit.files.line import BrokenLine, check, split_signature
from gateway.audit.files.locks import flocked
from gateway.audit.files.signed_log import line_end

_CHUNK = 4 * 1024 * 1024

_log = logging.getLogger("regate.audit")


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a dead writer left behind its last whole batch, of which `records` are whole lines."""

    segment: str
    offset: int
    bytes: int
    sha256: str
    records: int = 0


class DeadSegment:
    """A segment that no writer locks, locked for the caller."""

    def __init__(self, folder: Folder, name: str, descriptor: int) -> None:
        self.name = name
        self._folder = folder
        self._descriptor = descriptor

    def torn_tail(self, *, signed: bool = True) -> TornTail | None:
        """Return the end of a batch that was never durable: no caller counts on it. None when all is whole.

        It begins behind the last line that is `signed`; in a chain from before batches were, behind the last
        whole line. After a power cut that lost pages before others it begins before zeros (JSON has none).
        Damage before a batch or a head that was signed later is for `verify` to name.
        """
        size = os.fstat(self._descriptor).st_size
        end = self._batch_end(size) if signed else self._whole_end(size)
        if end is None or end == size:
            return None
        if (head := self._signed_seq()) > self._seq_before(end):
            _log.error("%s is damaged before its signed record %d: see regate audit verify", self.name, head)
            return None
        digest, records = hashlib.sha256(), 0
        for start in range(end, size, _CHUNK):
            chunk = os.pread(self._descriptor, min(_CHUNK, size - start), start)
            digest.update(chunk)
            records += chunk.count(b"\n")
        return TornTail(self.name, end, size - end, digest.hexdigest(), records)

    def cut(self, tail: TornTail) -> None:
        self._folder.disk.truncate(self._descriptor, tail.offset)
        self._folder.disk.sync(self._descriptor)

    def _batch_end(self, size: int) -> int | None:
        """Return where the last whole batch ends; None when a batch before the last one is damaged."""
        end = self._signed_end(size)
        whole = self._whole_end(size)
        if whole >= end:
            return end
        # zeros before a signature: of the batch that was being written, or of one that was durable
        before = self._signed_end(whole)
        return before if self._signed_end(self._start_of(end)) == before else None

    def _signed_end(self, end: int) -> int:
        """Return the offset behind the last signed line that ends at or before `end`."""
        end = line_end(self._descriptor, end)
        while end:
            start = self._start_of(end)
            if split_signature(os.pread(self._descriptor, end - 1 - start, start))[1]:
                return end
            end = start
        return 0

    def _start_of(self, end: int) -> int:
        """Return the offset of the line that ends there."""
        return line_end(self._descriptor, max(0, end - 1))

    def _whole_end(self, size: int) -> int:
        end = line_end(self._descriptor, size)
        if end:
            with mmap.mmap(self._descriptor, end, prot=mmap.PROT_READ) as content:
                if (zero := content.find(b"\0")) >= 0:
                    return line_end(self._descriptor, zero)
        return end

    def _seq_before(self, end: int) -> int:
        """Return the number of the record that ends there; 0 when none does."""
        start = self._start_of(end)
        try:
            return check(os.pread(self._descriptor, max(0, end - 1 - start), start)).seq
        except BrokenLine:
            return 0

    def _signed_seq(self) -> int:
        """Return the writer's last signed record in this segment, or 0; read the whole log for it."""
        ours = b'"segment":"%b"' % self.name.encode()
        signed = 0
        for line in signed_log.lines(self._folder.checkpoints):
            if ours in line:
                with suppress(orjson.JSONDecodeError, KeyError, ValueError):  # spoilt: `verify` names it
                    signed = max(signed, int(orjson.loads(line)["seq"]))
        return signed


@contextmanager
def dead_segment(folder: Folder, segment: str) -> Iterator[DeadSegment | None]:
    """Lock a segment whose lock is free; yield None when its writer locks it, or it is no longer there."""
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
        with flocked(descriptor) as taken:
            yield DeadSegment(folder, segment, descriptor) if taken else None
    finally:
        os.close(descriptor)
