"""A state file of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.state import State, open_state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "regate.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    state = open_state(path)
    yield state
    state.close()
