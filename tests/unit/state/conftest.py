"""A state file of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.state import State, open_state, schema


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "regate.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = open_state(path)
    yield state
    state.close()


def make_old(state: State, version: int) -> None:
    """Give the file the shape that its last tables had before, and an older version."""
    with state.write() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE usage (width, slot, agent, requests, tokens, cost, PRIMARY KEY (width, slot))"
        )
        for change in ("DROP TABLE usage_counts", "DROP TABLE usage_marks"):
            connection.exec_driver_sql(change)
        for column in ("all_of", "delegation"):
            connection.exec_driver_sql(f"ALTER TABLE approvals DROP COLUMN {column}")
        for column in ("scope", "last_used_at", "replaces"):
            connection.exec_driver_sql(f"ALTER TABLE keys DROP COLUMN {column}")
        connection.execute(update(schema.schema_version).values(version=version))
