"""The append-only files of signed lines that processes share: `seals.ndjson` and `checkpoints.ndjson`.

Each line holds the SHA-256 of the line before it (`prev`, 64 zeros in the first) and is signed, so that a
signed line vouches for every line before it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from gateway.audit.files import locks
from gateway.audit.files.disk import Disk
from gateway.audit.files.line import GENESIS
from gateway.audit.files.log_lines import Signable
from gateway.audit.files.signing import Signer

_LOCK_SECONDS = 5.0
_BLOCK = 64 * 1024


class LockedLog:
    """A log that is locked for the caller: no other process appends meanwhile."""

    def __init__(self, descriptor: int, disk: Disk) -> None:
        self._descriptor = descriptor
        self._disk = disk
        self.end = self._mend()

    def append(self, document: Signable, signer: Signer) -> bytes:
        """Append a document as one signed line, durably; on an error no part of it stays. Raises OSError."""
        last = self.last_line()
        prev = hashlib.sha256(last).hexdigest() if last else GENESIS
        line = signer.line({**document, "prev": prev})
        if b'"kind":"rotation"' in last and orjson.loads(last)["to"] != signer.verifier.raw.hex():
            raise OSError(
                "a rotation of the evidence key was interrupted: the next command that records ends it"
            )
        try:
            self._disk.write(self._descriptor, line)
            self._disk.sync(self._descriptor)
        except OSError:
            self._disk.truncate(self._descriptor, self.end)
            raise
        self.end += len(line)
        if os.fstat(self._descriptor).st_size != self.end:
            raise OSError(
                "another process appended at the same time: the file system does not share its locks"
            )
        return line

    def read(self, start: int) -> bytes:
        """Return the bytes from `start` to the end."""
        return os.pread(self._descriptor, self.end - start, start)

    def last_line(self) -> bytes:
        """Return the newest line without its newline; empty when there is none."""
        if self.end == 0:
            return b""
        start = line_end(self._descriptor, self.end - 1)
        return os.pread(self._descriptor, self.end - 1 - start, start)

    def _mend(self) -> int:
        """Cut off the line that its writer died in, torn or (its pages unwritten) full of zeros.

        No process has acted on that line: every line is synced before its writer goes on.
        """
        size = os.fstat(self._descriptor).st_size
        self.end = line_end(self._descriptor, size)
        if b"\0" in (last := self.last_line()):
            self.end -= len(last) + 1
        if self.end != size:
            self._disk.truncate(self._descriptor, self.end)
            self._disk.sync(self._descriptor)
        return self.end


@contextmanager
def locked(path: Path, disk: Disk) -> Iterator[LockedLog]:
    """Lock the log for a block. Raises OSError, also when another process keeps it locked."""
    descriptor = disk.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        with _lock(descriptor, path):
            yield LockedLog(descriptor, disk)
    finally:
        os.close(descriptor)


def append(path: Path, document: Signable, signer: Signer, disk: Disk) -> bytes:
    """Append one signed line durably, under the file's lock; returns it. Raises OSError."""
    with locked(path, disk) as log:
        return log.append(document, signer)


def lines(path: Path, start: int = 0) -> list[bytes]:
    """Return every whole line from a place on, without its newline; one still being written is left out."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def line_end(descriptor: int, end: int) -> int:
    """Return the offset behind the last newline before `end`."""
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


@contextmanager
def _lock(descriptor: int, path: Path) -> Iterator[None]:
    """Lock the file for a block. Any reader of the file can lock it: raises OSError after a while."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        with locks.locked(descriptor, path) as taken:
            if taken:
                yield
                return
        if time.monotonic() > end:
            raise BlockingIOError(errno.EAGAIN, f"{path}: another process keeps it locked")
        time.sleep(0.01)
