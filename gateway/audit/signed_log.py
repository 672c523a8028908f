"""The append-only files of signed lines that processes share: `seals.ndjson` and `checkpoints.ndjson`."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_LOCK_SECONDS = 1.0
_BLOCK = 64 * 1024


def append(path: Path, line: bytes) -> None:
    """Append one line durably, under the file's lock; on an error no part of it stays. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _lock(descriptor)
        end = whole_end(descriptor)
        if end != os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, end)  # a writer that died in its line: nobody has acted on it
        try:
            write_whole(descriptor, line)
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Take the file's lock. Anybody who may read the file can hold it: raises OSError after a while."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def lines(path: Path) -> list[bytes]:
    """Every whole line, without its newline; a line still being written is left out."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def whole_end(descriptor: int) -> int:
    """The offset behind the last newline: what follows it is a torn line."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it: `write` may stop early, on a nearly full disk for one."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
