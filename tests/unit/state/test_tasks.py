"""Whose tasks are, as the state remembers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.state import State, TaskHolders, open_state, tasks
from tests.unit.state.conftest import make_old


async def test_a_task_keeps_its_first_holder(state: State) -> None:
    holders = TaskHolders(state)
    await holders.keep(["t1", "t2"], "ana")
    await holders.keep(["t2", "t3"], "bea")
    assert await holders.of(["t1", "t2"]) == {"ana"}
    assert await holders.of(["t2", "t3", "t4"]) == {"ana", "bea"}
    assert await holders.of(["t4"]) == set()


async def test_one_claims_a_digest(state: State) -> None:
    holders = TaskHolders(state)
    assert [await holders.claim("d1"), await holders.claim("d1"), await holders.claim("d2")] == [
        True,
        False,
        True,
    ]


async def test_old_tasks_are_forgotten(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    holders = TaskHolders(state)
    monkeypatch.setattr(tasks.time, "time", lambda: 1.0)
    await holders.keep(["t1"], "ana")
    monkeypatch.setattr(tasks.time, "time", lambda: 31 * 86400.0)
    await holders.keep(["t2"], "ana")
    assert await holders.of(["t1"]) == set()


async def test_a_file_from_before_tasks_gets_their_table(tmp_path: Path) -> None:
    state = open_state(tmp_path / "regate.db")
    with state.write() as connection:
        connection.exec_driver_sql("DROP TABLE task_holders")
    make_old(state, 7)
    state.close()

    upgraded = open_state(tmp_path / "regate.db")
    await TaskHolders(upgraded).keep(["t1"], "ana")
    assert await TaskHolders(upgraded).of(["t1"]) == {"ana"}
    upgraded.close()
