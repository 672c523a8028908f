"""Hyperscan: many expressions looked for in one pass, its databases kept for processes that start later.

A database is read from a folder that only this user can enter, under a name that says everything it was made
from, after its digest was checked. Whatever is wrong with it, it is compiled anew; where the folder cannot be
had, each process compiles its own, which takes some tenths of a second. What no process has read for a month
goes when something new is kept: it was another version's, and a process that still wants it makes it anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import platform
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from gateway.errors import InspectionFailed
from gateway.processes import draft

try:
    import hyperscan
except ImportError:  # no wheel for this platform: everything runs without a prefilter, and finds the same
    hyperscan = None  # type: ignore[assignment]

_USED_SECONDS, _KEPT_SECONDS = 86_400, 30 * 86_400  # a file says when it was last read, to the day
_DIGEST = hashlib.sha256().digest_size
_log = logging.getLogger("regate.detect")


class Expression(NamedTuple):
    """What is looked for; with `once` only its first end is of interest."""

    source: bytes
    once: bool = False


class Scanner:
    """Finds where expressions end in bytes. Several threads may scan at once."""

    def __init__(self, expressions: Sequence[Expression], folder: Path | None) -> None:
        """Compile, or load from `folder`; `numbers` has the expressions that Hyperscan took."""
        taken = sorted(set(expressions))
        try:
            self._database = _open(taken, folder)
        except hyperscan.error:
            taken = [expression for expression in taken if _compiles(expression)]
            _log.warning("some patterns run without a prefilter: Hyperscan does not take them")
            self._database = _open(taken, folder) if taken else None
        self.numbers = {expression: number for number, expression in enumerate(taken)}
        self._threads = threading.local()

    def ends(self, data: bytes) -> dict[int, list[list[int]]]:
        """Return the offsets at which each expression ends, by its number: runs of them, first and last.

        In a text of nothing but digits some expressions end everywhere. Raises InspectionFailed.
        """
        ends: dict[int, list[list[int]]] = {}
        if self._database is None:
            return ends

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            runs = ends.get(number)
            if runs is None:
                ends[number] = [[end, end]]
            elif end == runs[-1][1] + 1:
                runs[-1][1] = end
            else:
                runs.append([end, end])

        try:
            self._database.scan(data, match_event_handler=note, scratch=self._scratch())
        except hyperscan.error as error:
            raise InspectionFailed("the pattern scanner failed") from error
        return ends

    def _scratch(self) -> Any:
        """Return Hyperscan's working memory, which only one scan may use at a time."""
        if not hasattr(self._threads, "scratch"):
            self._threads.scratch = hyperscan.Scratch(self._database)
        return self._threads.scratch


def open_scanner(expressions: Sequence[Expression]) -> Scanner | None:
    """Return a scanner for the expressions; None without Hyperscan or expressions."""
    if hyperscan is None or not expressions:
        return None
    return Scanner(expressions, cache_folder())


def cache_folder() -> Path | None:
    """Return the folder for databases, `regate/patterns` in the user's cache; None when there is none."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    try:
        root = Path(configured) if os.path.isabs(configured) else Path.home() / ".cache"
    except RuntimeError:  # no home
        return None
    return root / "regate" / "patterns"


def _open(expressions: Sequence[Expression], folder: Path | None) -> Any:
    name = _name(expressions)
    with _private(folder) as directory:
        content = _read(name, directory) if directory is not None else None
        if content is not None and (kept := _loaded(content)) is not None:
            return kept
        database = _compile(expressions)
        if directory is not None and folder is not None:
            _write(name, directory, hyperscan.dumpb(database))
    return database


def keep(made_from: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    """Return what `make` gives, or what a process kept of it; `made_from` is all that it depends on."""
    name = f"{hashlib.sha256(repr(made_from).encode()).hexdigest()}.kept"
    folder = cache_folder()
    with _private(folder) as directory:
        content = _read(name, directory) if directory is not None else None
        if content is None:
            content = make()
            if directory is not None:
                _write(name, directory, content)
    return content


def _compile(expressions: Sequence[Expression]) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.source for expression in expressions],
        ids=list(range(len(expressions))),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH if expression.once else 0 for expression in expressions],
    )
    return database


def _compiles(expression: Expression) -> bool:
    try:
        _compile([expression])
    except hyperscan.error:
        return False
    return True


def _name(expressions: Sequence[Expression]) -> str:
    """Return the file's name, which depends on all that the database depends on."""
    made_from = (version("hyperscan"), platform.machine(), *expressions)
    return f"{hashlib.sha256(repr(made_from).encode()).hexdigest()}.hsdb"


@contextlib.contextmanager
def _private(folder: Path | None) -> Iterator[int | None]:
    """Open the folder if only we can write to it: what lies in it is run as it is."""
    directory = None
    if folder is not None:
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield directory if directory is not None and _is_ours(directory) else None
    finally:
        if directory is not None:
            os.close(directory)


def _is_ours(directory: int) -> bool:
    status = os.fstat(directory)
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _read(name: str, directory: int) -> bytes | None:
    """Return what is kept under this name; None when there is nothing, or it is not whole."""
    try:
        with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), "rb") as file:
            content = file.read()
            if os.fstat(file.fileno()).st_mtime < time.time() - _USED_SECONDS:
                with contextlib.suppress(OSError):  # a disk that is read-only
                    os.utime(file.fileno())
    except OSError:
        return None
    return content[_DIGEST:] if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST] else None


def _loaded(content: bytes) -> Any | None:
    try:
        return hyperscan.loadb(content, hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:  # another processor's, another version's
        return None


def _write(name: str, directory: int, content: bytes) -> None:
    """Keep it, whole or not at all. A disk that is full or read-only costs the next process its compiling."""
    with contextlib.suppress(OSError), draft(Path(name), 0o600, durable=False, dir_fd=directory) as file:
        file.write(hashlib.sha256(content).digest() + content)
    _prune(directory)


def _prune(directory: int) -> None:
    """Remove what no process has read for a month. One that reads it at this moment has it open."""
    oldest = time.time() - _KEPT_SECONDS
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            with contextlib.suppress(OSError):  # another process was faster
                if os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime < oldest:
                    os.unlink(name, dir_fd=directory)
