"""Whose the tasks are that servers run: neither their ids nor their holders can be read from here."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.state.database import State
from gateway.state.schema import task_holders

_KEPT_SECONDS = 30 * 86400.0  # longer than servers keep tasks


class TaskHolders:
    """The holders of tasks, by digests. Methods raise StateUnavailable."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def of(self, tasks: Sequence[str]) -> set[str]:
        """Return the holders of those of the tasks that are known."""
        return set((await self._state.reading(self._read, tasks)).values())

    async def keep(self, tasks: Sequence[str], holder: str) -> None:
        """Remember who holds these tasks. One that has a holder keeps it."""
        known = await self._state.reading(self._read, tasks)
        if news := [task for task in tasks if task not in known]:
            await self._state.writing(self._write, news, holder)

    async def is_claimed(self, digest: str) -> bool:
        """Return whether a digest was claimed before."""
        return bool(await self._state.reading(self._read, [digest]))

    async def claim(self, digest: str) -> bool:
        """Return whether this is the first one to claim a digest."""
        return await self._state.writing(self._claim, digest)

    def _claim(self, digest: str) -> bool:
        now = time.time()
        row = {"task": digest, "holder": "", "seen_at": now}
        with self._state.write() as connection:
            connection.execute(delete(task_holders).where(task_holders.c.seen_at < now - _KEPT_SECONDS))
            return connection.execute(insert(task_holders).on_conflict_do_nothing(), row).rowcount > 0

    def _read(self, tasks: Sequence[str]) -> dict[str, str]:
        with self._state.read() as connection:
            query = select(task_holders.c.task, task_holders.c.holder).where(task_holders.c.task.in_(tasks))
            return {row.task: row.holder for row in connection.execute(query)}

    def _write(self, tasks: Sequence[str], holder: str) -> None:
        now = time.time()
        rows = [{"task": task, "holder": holder, "seen_at": now} for task in tasks]
        with self._state.write() as connection:
            connection.execute(delete(task_holders).where(task_holders.c.seen_at < now - _KEPT_SECONDS))
            connection.execute(insert(task_holders).on_conflict_do_nothing(), rows)
