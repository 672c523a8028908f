"""The policy files of a folder: which they are, what they hold, and what shows that one changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.errors import ConfigError
from gateway.policy.source.settings import SETTINGS

_MOST_BYTES = 16 * 1024 * 1024  # of one file


def policy_files(root: Path) -> Iterator[Path]:
    """Yield the files that `load_source` reads. Raises ConfigError as it does."""
    return walk(root, _refuse)


def walk(root: Path, refuse: Callable[[ConfigError], None]) -> Iterator[Path]:
    """Yield policy and data files in a fixed order. Hidden files and folders are editors' and git's."""
    if not root.is_dir():
        refuse(ConfigError(f"{root}: expected a folder of policy files"))
        return

    def unlisted(error: OSError) -> None:  # it may hold the rule that denies
        refuse(ConfigError(f"{error.filename}: cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*folders, *names]):
            path = Path(folder, name)
            if path.is_symlink() and name in folders:
                refuse(ConfigError(f"{path}: found a link to a folder; expected the files themselves"))
            if name in folders or name.startswith(".") or name.lower().endswith((".md", ".txt")):
                continue
            if name.endswith((".rego", ".yaml", ".yml", ".json")):
                yield path
            else:
                refuse(ConfigError(f"{path}: would be left out; expected *.rego, or data in {SETTINGS}/"))


def _refuse(error: ConfigError) -> None:
    raise error


def fingerprint(root: Path) -> tuple[tuple[object, ...], ...]:
    """Return what changes when a policy file changes, without reading it."""
    prints = []
    for path in policy_files(root):
        try:
            state = path.stat()
        except OSError:  # went away meanwhile: the next look is different again
            continue
        prints.append((str(path), *print_of(state)))
    return tuple(prints)


def print_of(state: os.stat_result) -> tuple[int, int, int, int]:
    """Return what tells one state of a file from another.

    Archives and build tools set the time of a file to a fixed one, and a file system gives the inode of the
    old file to the new one: only the time of the change itself cannot be set.
    """
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def read_text(path: Path) -> str:
    try:
        return read_plain(path, _MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text") from error


def read_plain(path: Path, most: int) -> bytes:
    """Read a plain file; refuse a pipe or a device, which could block the reader or never end.

    Raises OSError, and ConfigError when it is something else or has more than `most` bytes.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(f"{path}: expected a plain file")
        content = file.read(most + 1)
    if len(content) > most:
        raise ConfigError(f"{path}: expected at most {most} bytes")
    return content
