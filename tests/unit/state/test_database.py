"""The state file: transactions, locks, versions and refusals."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from gateway.errors import ConfigError, StateUnavailable
from gateway.state import Reserved, Subject, UsageStore, open_state, schema
from gateway.state.database import State
from gateway.words import Used
from tests.unit.state.conftest import make_old


def test_the_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "state" / "regate.db"
    open_state(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_file_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "regate.db"
    state = open_state(path)
    with state.write() as connection:
        connection.execute(update(schema.schema_version).values(version=schema.VERSION + 1))
    state.close()
    with pytest.raises(ConfigError, match=f"schema version {schema.VERSION + 1}; expected {schema.VERSION}"):
        open_state(path)


async def test_a_file_of_an_older_schema_is_upgraded_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "regate.db"
    state = open_state(path)
    make_old(state, 1)
    with state.write() as connection:
        connection.exec_driver_sql("ALTER TABLE usage DROP COLUMN cost")
        connection.exec_driver_sql("ALTER TABLE votes DROP COLUMN groups")
        for width, slot, requests in ((5, 5400, 1), (1800, 3600, 2), (1800, 5400, 1)):
            connection.exec_driver_sql("INSERT INTO usage VALUES (?, ?, 'a', ?, 10)", (width, slot, requests))
    state.close()

    upgraded = open_state(path)
    subject: Subject = ("agent", "a")
    [found] = await UsageStore(upgraded).count(7300, [Reserved((subject,), Used(1))], [], [0, 5400, 7200])
    assert [one.used for one in found[subject]] == [Used(4, 20), Used(2, 10), Used(1)]
    upgraded.close()
    open_state(path).close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "regate.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StateUnavailable):
        open_state(path)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    with pytest.raises(StateUnavailable, match="cannot be opened"):
        open_state(tmp_path / "state" / "regate.db")


def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from gateway.state import open_state; open_state(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "regate.db")]
    children = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors.decode()


def test_an_exception_undoes_the_whole_transaction(state: State) -> None:
    def fail_half_way() -> None:
        with state.write() as connection:
            connection.execute(insert(schema.writers).values(writer="w", born_at=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with state.read() as connection:
        assert connection.execute(select(schema.writers)).all() == []


async def test_a_locked_database_stalls_neither_the_loop_nor_readers(state: State, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(state.writing(_write, state))
    await asyncio.sleep(0.05)

    begun = time.monotonic()
    assert await state.reading(_read, state) == schema.VERSION
    assert time.monotonic() - begun < 1
    assert not writing.done()

    other.execute("ROLLBACK")
    other.close()
    await writing


async def test_a_lock_that_stays_is_a_refusal(state: State, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnavailable, match="database is locked"):
        await state.writing(_write, state)
    other.execute("ROLLBACK")
    other.close()


async def test_work_that_takes_too_long_is_a_refusal(path: Path) -> None:
    state = open_state(path)
    hasty = State(state._engine, deadline_seconds=0.05)
    with pytest.raises(StateUnavailable, match=r"no answer from the database in 0\.05 s"):
        await hasty.reading(time.sleep, 0.3)
    hasty.close()
    state.close()


async def test_a_caller_cancelled_in_the_tick_of_the_answer_is_cancelled(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that leaves just then would else go on as if it had not: wait_for does that before 3.12."""
    loop = asyncio.get_running_loop()
    job: asyncio.Future[int] = loop.create_future()
    monkeypatch.setattr(loop, "run_in_executor", lambda *_: job)
    for run in (state.reading, state.writing):
        job = loop.create_future()
        asking = asyncio.create_task(run(_read, state))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        job.set_result(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


def test_a_file_that_is_removed_or_replaced_is_unavailable(state: State, path: Path) -> None:
    """An old copy put in its place has keys that were revoked since."""
    assert _read(state) == schema.VERSION
    path.unlink()
    for work in (_read, _write):
        with pytest.raises(StateUnavailable, match="was removed or replaced"):
            work(state)

    open_state(path).close()
    for work in (_read, _write):
        with pytest.raises(StateUnavailable, match="was removed or replaced"):
            work(state)


def _write(state: State) -> None:
    with state.write() as connection:
        connection.execute(insert(schema.writers).values(writer="w", born_at=1))


def _read(state: State) -> int:
    with state.read() as connection:
        return int(connection.execute(select(schema.schema_version.c.version)).scalar_one())
