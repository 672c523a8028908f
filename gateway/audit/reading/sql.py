"""SQL from people: one SELECT, in a child process that can only read the evidence and dies at a deadline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson

import gateway
from gateway.audit.files.folder import Folder
from gateway.errors import RegateError
from gateway.processes import running

_SANDBOX = str(Path(__file__).with_name("sandbox.py"))
_ROW_BYTES = 32 * 1024 * 1024  # two records of the largest size


class QueryRefused(RegateError):
    """Not exactly one SELECT."""


class QueryFailed(RegateError):
    """The query did not come to an end: wrong SQL, out of memory, too late."""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Bounds of one query, in seconds and bytes."""

    seconds: int = 60
    memory: int = 1024**3
    spill: int = 1024**3  # of disk, for what is put together piece by piece
    address_space: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Result:
    """A query's answer as it comes: `rows` is read once, inside the block, and may raise QueryFailed."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Iterator[list[Any]]


@contextmanager
def query(
    root: Path,
    sql: str,
    parameters: Sequence[str | int | float | bool | None] = (),
    *,
    limits: QueryLimits | None = None,
) -> Iterator[Result]:
    """Run one SELECT over the audit folder; values are plain JSON. Leaving the block ends the child.

    Raises QueryRefused, QueryFailed, ConfigError.
    """
    with _child(root, sql, parameters, limits or QueryLimits(), None) as child:
        columns = child.columns()
        names, types = (tuple(column[place] for column in columns) for place in (0, 1))
        yield Result(names, types, child.rows())


def query_to_parquet(
    root: Path,
    sql: str,
    out: BinaryIO,
    parameters: Sequence[str] = (),
    *,
    limits: QueryLimits | None = None,
    answered: Callable[[], None] = lambda: None,
) -> None:
    """Run one SELECT and write its rows as Parquet; `answered` is called before the first byte goes out.

    Raises QueryRefused, QueryFailed, ConfigError.
    """
    with tempfile.TemporaryDirectory(prefix="regate-sql-") as folder:
        made = Path(folder).resolve() / "rows.parquet"
        with _child(root, sql, parameters, limits or QueryLimits(), made) as child:
            child.columns()
            for _ in child.rows():
                pass
        answered()
        with made.open("rb") as file:
            shutil.copyfileobj(file, out)


class _Child:
    """The answer of the child process, line by line."""

    def __init__(self, process: subprocess.Popen[bytes], limits: QueryLimits) -> None:
        self._process = process
        self._limits = limits
        self._late = False

    def kill_late(self) -> None:
        self._late = True
        self._process.kill()

    def columns(self) -> list[list[str]]:
        columns: list[list[str]] = self._next()
        return columns

    def rows(self) -> Iterator[list[Any]]:
        while isinstance(message := self._next(), list):
            yield message

    def _next(self) -> Any:
        output = self._process.stdout
        assert output is not None
        line = output.readline(_ROW_BYTES)
        if len(line) == _ROW_BYTES:
            raise QueryFailed(f"a row of the answer is over {_ROW_BYTES} bytes")
        if not line.endswith(b"\n"):
            raise QueryFailed(self._cause())
        message = json.loads(line)  # exact for integers of any size
        if isinstance(message, dict) and "refused" in message:
            raise QueryRefused(message["refused"])
        if isinstance(message, dict) and "failed" in message:
            raise QueryFailed(message["failed"])
        return message

    def _cause(self) -> str:
        code = self._process.wait()
        if self._late or -code in (24, 9):  # SIGXCPU, SIGKILL
            return f"the query was stopped: it took more than {self._limits.seconds} s or too much memory"
        return f"the query's process ended with {code}; most often it ran out of memory"


@contextmanager
def _child(
    root: Path, sql: str, parameters: Sequence[object], limits: QueryLimits, parquet: Path | None
) -> Iterator[_Child]:
    folder = Folder(root)
    folder.prepare()
    with _spill_folder(limits.spill) as (spill, spill_bytes):
        request = {
            "root": str(folder.root.resolve()),
            "sql": sql,
            "parameters": list(parameters),
            "limits": {**asdict(limits), "spill": spill_bytes},
            "parquet": str(parquet) if parquet else "",
            "spill": spill,
        }
        with _process(request, limits) as child:
            yield child


@contextmanager
def _spill_folder(most: int) -> Iterator[tuple[str, int]]:
    """Make a folder to spill to, and say how much may go there: half of what is free, as others write too.

    Yields "" where no folder can be made: such a query has its memory and nothing else.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="regate-sql-", ignore_cleanup_errors=True)
    except OSError:
        yield "", 0
        return
    with folder as name:
        yield str(Path(name).resolve()), min(most, shutil.disk_usage(name).free // 2)


@contextmanager
def _process(request: Mapping[str, object], limits: QueryLimits) -> Iterator[_Child]:
    env = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(gateway.__file__).parents[1])}
    with running(Path(sys.executable), "-P", _SANDBOX, env=env) as process:
        child = _Child(process, limits)
        deadline = threading.Timer(limits.seconds, child.kill_late)
        deadline.start()
        try:
            assert process.stdin is not None
            _hand_over(process.stdin, orjson.dumps(request))
            yield child
        finally:
            deadline.cancel()


def _hand_over(pipe: IO[bytes], request: bytes) -> None:
    try:
        pipe.write(request)
        pipe.close()
    except BrokenPipeError as error:
        raise QueryFailed("the query's process did not start") from error
