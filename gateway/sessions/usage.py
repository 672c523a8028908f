"""Usage: what each agent used in the last minute and day, over all workers."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from gateway.errors import StateUnavailable
from gateway.state import UsageRow, UsageStore
from gateway.words import UsageFacts, Used

# The minute and the day slide in whole slots: up to one slot too much is counted, and never too little.
_MINUTE, _MINUTE_SLOT = 60, 5
_DAY, _DAY_SLOT = 86_400, 1_800
_MILLION = 1_000_000
_Slot = tuple[int, int, str]  # width, start, agent
_Used = tuple[int, int, int]  # requests, tokens, cost in millionths
_Totals = Mapping[int, Mapping[str, _Used]]  # by width and agent
_NOTHING: _Used = (0, 0, 0)


class UsageCounters:
    """Usage of all agents: counted in memory at once, shared with other workers once a second.

    What others used is known to the last second; what this process counts is never late.
    """

    def __init__(
        self, store: UsageStore, now: Callable[[], float] = time.time, *, flush_seconds: float = 1.0
    ) -> None:
        self._store = store
        self._now = now
        self._flush_seconds = flush_seconds
        self._pending: dict[_Slot, _Used] = {}
        self._totals: _Totals = {_MINUTE_SLOT: {}, _DAY_SLOT: {}}
        self._flushing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load what was used before. Raises StateUnavailable."""
        await self.flush()
        self._task = asyncio.create_task(self._keep_flushing(), name="usage counters")

    def reserve(self, agent_id: str) -> UsageFacts:
        """Count one request, and return what this agent used, that request included."""
        self._add(agent_id, (1, 0, 0))
        minute = self._used(agent_id, _MINUTE_SLOT, _MINUTE)
        day = self._used(agent_id, _DAY_SLOT, _DAY)
        return UsageFacts(minute=Used(*minute), day=Used(*day))

    def spend(self, agent_id: str, tokens: int, cost: float = 0) -> None:
        """Add an answer's tokens and cost; negative means unknown."""
        if tokens > 0 or cost > 0:
            self._add(agent_id, (0, max(tokens, 0), math.ceil(max(cost, 0) * _MILLION)))

    async def flush(self) -> None:
        """Write what was counted, and read what all workers counted.

        Raises StateUnavailable; no count is lost then.
        """
        async with self._flushing:
            now = self._now()
            flushed = dict(self._pending)
            if flushed:
                rows = [UsageRow(*slot, *counts) for slot, counts in flushed.items()]
                over = {_MINUTE_SLOT: now - _MINUTE, _DAY_SLOT: now - _DAY}
                await self._store.state.writing(self._store.add, rows, over)
                self._settle(flushed)
            self._totals = await self._store.state.reading(self._read, now)

    async def close(self) -> None:
        """Stop, with a last flush. Raises StateUnavailable."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self.flush()

    async def _keep_flushing(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_seconds):
                    await self._stopping.wait()
            try:
                await self.flush()
            except StateUnavailable as error:
                # counting goes on in memory, so limits still hold in this process
                logging.getLogger(__name__).warning("usage not written: %s", error)

    def _read(self, now: float) -> _Totals:
        return {
            _MINUTE_SLOT: self._store.totals(_MINUTE_SLOT, now - _MINUTE),
            _DAY_SLOT: self._store.totals(_DAY_SLOT, now - _DAY),
        }

    def _settle(self, flushed: Mapping[_Slot, _Used]) -> None:
        """Move what was written from pending to the totals; some more may be pending by now."""
        totals = {width: dict(agents) for width, agents in self._totals.items()}
        for slot, written in flushed.items():
            self._pending[slot] = _sum(self._pending[slot], (-written[0], -written[1], -written[2]))
            if self._pending[slot] == _NOTHING:
                del self._pending[slot]
            width, _, agent = slot
            totals[width][agent] = _sum(totals[width].get(agent, _NOTHING), written)
        self._totals = totals

    def _add(self, agent_id: str, used: _Used) -> None:
        now = self._now()
        for width in (_MINUTE_SLOT, _DAY_SLOT):
            slot = (width, int(now // width) * width, agent_id)
            self._pending[slot] = _sum(self._pending.get(slot, _NOTHING), used)

    def _used(self, agent_id: str, width: int, window: int) -> _Used:
        used = self._totals[width].get(agent_id, _NOTHING)
        newest = int(self._now() // width) * width
        for slot in range(newest - window, newest + 1, width):
            used = _sum(used, self._pending.get((width, slot, agent_id), _NOTHING))
        return used


def _sum(one: _Used, other: _Used) -> _Used:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
