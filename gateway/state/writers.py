"""Which writers of evidence were born: kept apart from the evidence, which could lose its own register."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from gateway.state.database import State
from gateway.state.schema import writers


class WriterStore:
    """Methods are synchronous, and may be called from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def remember(self, writer: str) -> None:
        """Note a writer's birth durably. Raises StateUnavailable."""
        with self._state.write() as connection:
            row = {"writer": writer, "born_at": time.time()}
            connection.execute(insert(writers).values(row).on_conflict_do_nothing())

    def known(self) -> set[str]:
        """Return every writer that was born here. Raises StateUnavailable."""
        with self._state.read() as connection:
            return set(connection.execute(select(writers.c.writer)).scalars())
