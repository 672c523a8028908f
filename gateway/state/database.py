"""The SQLite file: opening it, transactions on it, and keeping its waits off the event loop."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    PoolProxiedConnection,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import ConfigError, StateUnavailable
from gateway.processes import write_new
from gateway.state import schema
from gateway.state.soundness import Soundness

T = TypeVar("T")

BUSY_SECONDS = 3.0
# An async caller gives up after this: one wait for the lock, its own work, and one job ahead of it.
DEADLINE_SECONDS = 10.0


class State:
    """An open state file. Its methods raise StateUnavailable on any database error: never a pass."""

    def __init__(self, engine: Engine, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._readers = engine.execution_options(regate_begin="BEGIN")
        self._writer = engine.execution_options(regate_begin="BEGIN IMMEDIATE")
        self._engine = engine
        self._deadline_seconds = deadline_seconds
        self._path = Path(engine.url.database) if engine.url.database else None
        self._files = self._stat_files()
        self._soundness = Soundness(self._path, self._check_file) if self._path else None
        # Under WAL readers never wait for a writer, so they get threads that no writer can occupy. SQLite has
        # one writer at a time: ours queue in one thread instead of waiting for each other by polling.
        self._read_threads = ThreadPoolExecutor(2, thread_name_prefix="state-read")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="state-write")
        # Every request is counted: no approval that is being recorded, and no commit's sync, holds it up.
        self._count_thread = ThreadPoolExecutor(1, thread_name_prefix="state-count")
        self._counter: PoolProxiedConnection | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent snapshot."""
        self._check_file()
        with _translated(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction with the write lock from its start: what it reads cannot change under it."""
        self._check_file()
        with _translated(), self._writer.begin() as connection:
            yield connection

    async def reading(self, work: Callable[..., T], *arguments: object) -> T:
        """Run `work` in a reader thread."""
        return await self._run(self._read_threads, work, *arguments)

    async def writing(self, work: Callable[..., T], *arguments: object) -> T:
        """Run `work` in the writer thread. A caller that leaves does not stop work that has begun."""
        return await self._run(self._write_thread, work, *arguments)

    async def counting(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a write transaction of a thread of its own, on the driver itself: all requests wait.

        Its commits are not synced: they outlive every process, and the last of them not always a power cut.
        """
        # no deadline: whether it was counted has to be known, and the wait for the lock has its own
        return await asyncio.get_running_loop().run_in_executor(self._count_thread, self._count, work)

    async def proven(self) -> None:
        """Return when the file was sound and unlocked just now. Raises StateUnavailable within a second."""
        if self._soundness is not None:
            await self._soundness.proven()

    def close(self) -> None:
        """Finish what runs and let go of the file."""
        if self._soundness is not None:
            self._soundness.close()
        self._read_threads.shutdown()
        self._write_thread.shutdown()
        self._count_thread.shutdown()
        if self._counter is not None:
            self._counter.close()
        self._engine.dispose()

    def _count(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._check_file()
        with _translated():
            if self._counter is None:
                self._counter = self._engine.raw_connection()
                self._driver.execute("PRAGMA synchronous = NORMAL")
            connection = self._driver
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = work(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return done

    @property
    def _driver(self) -> sqlite3.Connection:
        assert self._counter is not None
        return cast(sqlite3.Connection, self._counter.driver_connection)

    def _check_file(self) -> None:
        """Raise StateUnavailable when a file of the database is not the one that was opened.

        Other processes read and write the new one then, revocations too. The pooled connections keep the
        opened files, so no number of theirs is given to another file.
        """
        if self._stat_files() != self._files:
            raise StateUnavailable(f"state: {self._path} was removed or replaced; restart the gateway")

    def _stat_files(self) -> list[tuple[int, int]]:
        """Device and number of the database, its log and the log's index."""
        if self._path is None:
            return []
        found = []
        for suffix in ("", "-wal", "-shm"):
            try:
                status = os.stat(f"{self._path}{suffix}")
                found.append((status.st_dev, status.st_ino))
            except OSError:
                found.append((-1, -1))
        return found

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        job = asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
        try:
            # not wait_for: before Python 3.12 it loses a cancellation that comes in the moment of the answer
            async with asyncio.timeout(self._deadline_seconds):
                return await job
        except TimeoutError as error:
            raise StateUnavailable(
                f"state: no answer from the database in {self._deadline_seconds:g} s"
            ) from error


def open_state(path: Path) -> State:
    """Open the file, making it (mode 0600) and its tables where there are none, upgrading older ones.

    Raises ConfigError when a newer Regate wrote it, StateUnavailable when it cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only a new file: closing a descriptor of an old one drops all locks that this process has on it, and
        # the next process that closes it would take itself for the last and remove the log.
        with suppress(FileExistsError):
            write_new(path, b"", 0o600)
    except OSError as error:
        raise StateUnavailable(f"state: {path} cannot be opened: {error.strerror}") from error
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        with _translated(), engine.connect() as connection:
            connection.execute(select(1).select_from(text("sqlite_master")))  # makes the log and its index
            state = State(engine)
    except StateUnavailable as error:
        engine.dispose()
        raise StateUnavailable(f"state: {path}: {str(error).removeprefix('state: ')}") from error
    except BaseException:
        engine.dispose()
        raise
    try:
        _make_tables(state, path)
    except BaseException:
        state.close()
        raise
    return state


@contextmanager
def _translated() -> Iterator[None]:
    """Database errors as StateUnavailable, without the statement: its parameters are not for logs."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StateUnavailable(f"state: {getattr(error, 'orig', None) or type(error).__name__}") from error
    except sqlite3.Error as error:
        raise StateUnavailable(f"state: {error}") from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """Prepare one connection. Commits are synced: a used approval stays used after a power cut."""
    connection.isolation_level = None  # transactions begin where _begin says, not at the driver's first write
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is emptied is overwritten
    # Only the first connection ever changes the file; the others find it in WAL and take no lock.
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("regate_begin", "BEGIN"))


def _make_tables(state: State, path: Path) -> None:
    with state.write() as connection:
        if not inspect(connection).has_table(schema.schema_version.name):
            schema.metadata.create_all(connection)
            connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
        found = connection.execute(select(schema.schema_version.c.version)).scalar_one()
        while found in schema.UPGRADES:
            connection.exec_driver_sql(schema.UPGRADES[found])
            found += 1
            connection.execute(update(schema.schema_version).values(version=found))
    if found != schema.VERSION:
        raise ConfigError(
            f"{path}: state has schema version {found}; expected {schema.VERSION}: it was written by another "
            "version of Regate"
        )
