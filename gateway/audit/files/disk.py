"""Every change to the evidence's files, in one place: what a crash may interrupt."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


class Disk:
    """The real one. Methods raise OSError. Tests fail or stop at the n-th call."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it: `write` may stop early, on a nearly full disk for one."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def is_full(self, path: Path) -> bool:
        """Return whether the file system of this folder has no free block, where it counts blocks."""
        found = os.statvfs(path)
        return found.f_blocks > 0 and found.f_bavail == 0

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Make a file's content durable; its name may not be yet."""
        os.fdatasync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        os.rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        os.link(old, new)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def make_folder(self, path: Path) -> None:
        """Make a folder and what is missing above it, durably."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:  # made by another process meanwhile
            return
        self.sync_folder(path.parent)

    def write_new(self, path: Path, content: bytes, mode: int = 0o600) -> None:
        """Write a whole file of that name, over what a crash left there."""
        descriptor = self.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            self.write(descriptor, content)
            self.sync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, path: Path, content: bytes, draft: Path, mode: int = 0o600) -> None:
        """Put a file with this content in the place of the one at `path`, whole or not at all.

        `draft` is where it is written first, on the same file system. The caller syncs the folder.
        """
        self.write_new(draft, content, mode)
        self.rename(draft, path)

    def write_once(self, path: Path, content: bytes, mode: int) -> None:
        """Write a file whole; of two processes that start at once, the first wins and the other reads it."""
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        self.write_new(draft, content, mode)
        try:
            self.link(draft, path)
        except FileExistsError:
            pass
        finally:
            self.unlink(draft)
        self.sync_folder(path.parent)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
