"""Files that appear whole or not at all, and a lock between commands."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ANY = 0o666  # what the umask lets through


def write_new(path: Path, content: bytes, mode: int = _ANY) -> None:
    """Write a file that is not there yet, durably. Raises OSError, FileExistsError where it is there."""
    with open(_create(path, mode, None), "wb") as file:
        file.write(content)
        _sync(file)


@contextmanager
def draft(
    path: Path, mode: int = _ANY, *, durable: bool = True, dir_fd: int | None = None
) -> Iterator[BinaryIO]:
    """Write a file beside `path` that takes its place when the block ends without an error.

    `durable` syncs its content to disk before that, so that a crash leaves the old file or the new one. With
    `dir_fd`, both names are in that open folder. Raises OSError.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with open(_create(beside, mode, dir_fd), "wb") as file:
            yield file
            if durable:
                _sync(file)
        os.replace(beside, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=dir_fd)
        raise


def replace(path: Path, content: bytes, mode: int = _ANY) -> None:
    """Write a file in the place of the one that may be there; a crash leaves the old one or the new one.

    Raises OSError.
    """
    with draft(path, mode) as file:
        file.write(content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder, so that concurrent commands run one by one. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create(path: Path, mode: int, dir_fd: int | None) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=dir_fd)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
