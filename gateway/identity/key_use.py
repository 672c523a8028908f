"""When keys were last used: written down now and then, never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from gateway.errors import StateUnavailable
from gateway.state import Keys

_EVERY_SECONDS = 60.0


class KeyUse:
    """Collects the uses of keys, and writes them down once a minute at most."""

    def __init__(self, keys: Keys, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now
        self._waiting: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: str) -> None:
        """Note a use now."""
        now = self._now()
        if now - self._written.get(key_id, 0) < _EVERY_SECONDS:
            return
        self._written[key_id] = self._waiting[key_id] = now
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="key use")

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._task is not None:
            await self._task

    async def _write(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            with contextlib.suppress(StateUnavailable):  # it is a hint for people, and the next use says more
                await self._keys.state.writing(self._keys.note_use, waiting)
