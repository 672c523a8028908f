"""Locks between the processes that share an audit folder.

Two kinds at once, since some file systems share only one of them between hosts, or none: `flock` on the file
itself, and a byte range of the file `locks` (an open-file-description lock, which goes with its descriptor).
The second is in a file of its own: over NFS both kinds are the same lock.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.processes import run

_HELD = 3
_TRY = f"""
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit({_HELD})
"""


@contextmanager
def locked(descriptor: int, path: Path) -> Iterator[bool]:
    """Take both locks of an open file for the block if they are free; yields whether they were taken."""
    beside = os.open(path.with_name("locks"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with flocked(descriptor) as taken:
            yield taken and _take_range(beside, path.name)
    finally:
        os.close(beside)


@contextmanager
def flocked(descriptor: int) -> Iterator[bool]:
    """Take the file's flock for the block if it is free; yields whether it was taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def are_shared(folder: Path) -> bool:
    """Return whether a lock that this process holds on a file of the folder stops another process.

    Raises OSError. It says nothing of processes on other hosts.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix="lock-", suffix=".test") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = run(Path(sys.executable), "-c", _TRY, file.name)
    if held.returncode not in (0, _HELD):
        raise OSError(held.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return held.returncode == _HELD


def _take_range(descriptor: int, name: str) -> bool:
    """Lock the byte of a name until the descriptor is closed; returns whether it was free."""
    place = zlib.crc32(name.encode())
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except BlockingIOError:
        return False
    return True
