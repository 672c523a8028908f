"""The bundles on disk: one file a revision, the one in use beside them, and how it came to be in use."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import ConfigError
from gateway.policy.bundle.archive import MAX_PACKED
from gateway.policy.bundle.bundle import SUFFIX
from gateway.processes import locked, replace

IN_USE = "policy"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,250}")
_USED = ".used"


class Shelf:
    """A folder of bundles. A reader sees the whole old bundle or the whole new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def in_use(self) -> Path:
        """The bundle that a gateway with this `policy.path` runs from."""
        return self.folder / f"{IN_USE}{SUFFIX}"

    def path_of(self, revision: str) -> Path:
        return self.folder / f"{IN_USE}-{revision}{SUFFIX}"

    def put(self, revision: str, content: bytes) -> Path:
        """Write the bundle of a revision. Raises ConfigError."""
        path = self.path_of(revision)
        with _translated(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            replace(path, content)
        return path

    def use(self, revision: str, content: bytes) -> None:
        """Put a bundle in the place of the one in use, and remember it. Raises ConfigError."""
        with _translated(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with _translated(self.folder), locked(self.folder):
            used = self._used()
            replace(self.path_of(revision), content)  # it may have come from elsewhere; going back needs it
            replace(self.in_use, content)
            if used[-1:] != [revision]:
                self._remember([*used, revision])

    def previous(self) -> str:
        """Return the revision that was in use before this one. Raises ConfigError where there is none."""
        with _translated(self.folder):
            used = self._used()
        if len(used) < 2:
            raise ConfigError(f"{self.folder}: no bundle was in use before this one")
        return used[-2]

    def back(self, revision: str, content: bytes) -> None:
        """Put the bundle of the `previous` revision in use again, and forget the one that is in use now."""
        with _translated(self.folder), locked(self.folder):
            used = self._used()
            if used[-2:-1] != [revision]:
                raise ConfigError(f"{self.folder}: another command has changed what is in use; try again")
            replace(self.in_use, content)
            self._remember(used[:-1])

    def read(self, name: str) -> bytes | None:
        """Return the bundle called `name`, None where there is no such plain file in the folder.

        Whatever the name says, nothing outside the folder is opened, and no link is followed.
        """
        if not _NAME.fullmatch(name):
            return None
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            file = os.open(
                f"{name}{SUFFIX}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
        except OSError:
            return None
        finally:
            os.close(folder)
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_PACKED:
            os.close(file)
            return None
        with os.fdopen(file, "rb") as opened:
            return opened.read(MAX_PACKED)

    def _used(self) -> list[str]:
        """Return the revisions in use one after another, the present one last."""
        path = self.folder / _USED
        try:
            used = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise ConfigError(f"{path}: expected a list of revisions in JSON") from error
        if not (
            isinstance(used, list) and all(isinstance(one, str) and _NAME.fullmatch(one) for one in used)
        ):
            raise ConfigError(f"{path}: expected a list of revisions in JSON")
        return used

    def _remember(self, used: list[str]) -> None:
        replace(self.folder / _USED, json.dumps(used[-100:]).encode())


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{error.filename or path}: {error.strerror}") from error
