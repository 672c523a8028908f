"""A disk that fails or dies at its n-th operation, and knows what a power cut would have left of it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from pathlib import Path
from typing import Literal

from gateway.audit.files.disk import Disk

Survival = Literal["kill", "lost", "torn", "pages"]


class PowerCut(BaseException):
    """The process ends here: nothing of it runs any more."""


class FaultyDisk(Disk):
    """Counts its operations. At number `at` it raises an error once, or (`error` 0) dies for good.

    A write stops half-way. What was synced is remembered: contents by `sync`, names by `sync_folder`.
    """

    def __init__(self, at: int = 0, error: int = 0) -> None:
        self.count = 0
        self.dead = False
        self.fired = ""
        self._at, self._error = at, error
        self._lock = threading.RLock()
        self._contents: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        self._kept: list[int] = []  # open, so that no inode number comes again; no dup: it would keep locks

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if flags & os.O_CREAT:
            self._step(f"open {path.name}")
        return super().open(path, flags, mode)

    def write(self, descriptor: int, data: bytes) -> None:
        try:
            self._step("write")
        except (OSError, PowerCut):
            if self.fired == "write":
                self.fired = "half a write"
                super().write(descriptor, data[: len(data) // 2])
            raise
        super().write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._step("truncate")
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        self._step("sync")
        super().sync(descriptor)
        with self._lock:
            inode = os.fstat(descriptor).st_ino
            if inode not in self._contents:
                self._kept.append(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY))
            self._contents[inode] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def sync_folder(self, path: Path) -> None:
        self._step("sync folder")
        super().sync_folder(path)
        with self._lock:
            self._names[path] = {each.name: each.stat().st_ino for each in path.iterdir()}

    def rename(self, old: Path, new: Path) -> None:
        self._step(f"rename to {new.name}")
        super().rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        self._step(f"link {new.name}")
        super().link(old, new)

    def unlink(self, path: Path) -> None:
        self._step(f"unlink {path.name}")
        super().unlink(path)

    def survive(self, base: Path, into: Path, survival: Survival) -> None:
        """Put what is left of `base` at `into`.

        `kill`: all that was written. `lost`: what was synced, names and contents. `torn`: every name, of each
        file what was synced and half of the rest. `pages`: the same, but the first half of the rest is zeros.
        """
        if survival == "kill":
            shutil.copytree(base, into)
            return
        into.mkdir()
        names = self._names.get(base, {}) if survival == "lost" else {each.name: 0 for each in base.iterdir()}
        for name, inode in names.items():
            path = base / name
            if path.is_dir():
                self.survive(path, into / name, survival)
                continue
            content = self._left(path, inode, survival)
            (into / name).write_bytes(content)
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
            (into / name).chmod(mode)

    def close(self) -> None:
        for descriptor in self._kept:
            os.close(descriptor)
        self._kept.clear()

    def _left(self, path: Path, inode: int, survival: Survival) -> bytes:
        if survival == "lost":
            return self._contents.get(inode, b"")
        now = path.read_bytes()
        synced = self._contents.get(path.stat().st_ino, b"")
        if not now.startswith(synced):
            return now
        rest = now[len(synced) :]
        half = len(rest) // 2
        return synced + (b"\0" * half + rest[half:] if survival == "pages" else rest[:half])

    def _step(self, name: str) -> None:
        with self._lock:
            if self.dead:
                raise PowerCut
            self.count += 1
            if self.count != self._at:
                return
            self.fired = name
            if self._error:
                raise OSError(self._error, os.strerror(self._error))
            self.dead = True
            raise PowerCut


FULL, READ_ONLY, BROKEN = errno.ENOSPC, errno.EROFS, errno.EIO
