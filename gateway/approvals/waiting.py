"""Requests that wait for people: one query now and then for all of them together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from gateway.errors import StateUnavailable
from gateway.state import Status

Statuses = Callable[[Sequence[str]], Awaitable[Mapping[str, Status]]]


class Waiting:
    """The requests in this process that wait. The decision may come from any process, so the state is polled.

    One agent gets a tenth of the places, and one owner a quarter: they cannot take those of others.
    """

    def __init__(self, statuses: Statuses, *, poll_seconds: float, places: int) -> None:
        self._statuses = statuses
        self._poll_seconds = poll_seconds
        self._places = places
        self._shares = (max(1, places // 10), max(1, places // 4))
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._taken: Counter[tuple[str, str]] = Counter()  # places, by ("agent" or "owner", its name)
        self._poller: asyncio.Task[None] | None = None

    async def until_settled(self, approval_id: str, seconds: float, whose: tuple[str, str]) -> None:
        """Return when it is decided, when `seconds` are over, or at once when there is no place.

        `whose` names the agent and the owner who take the place.
        """
        names = tuple(zip(("agent", "owner"), whose, strict=True))
        if seconds <= 0 or not self._has_place(names):
            return
        self._taken.update(names)
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(approval_id, set()).add(settled)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="approvals being waited for")
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await settled
        finally:
            self._leave(approval_id, settled)
            self._taken -= Counter(names)  # names with no place taken are dropped

    def _has_place(self, names: Sequence[tuple[str, str]]) -> bool:
        if sum(map(len, self._waiters.values())) >= self._places:
            return False
        return all(self._taken[name] < share for name, share in zip(names, self._shares, strict=True))

    async def close(self) -> None:
        """Let every request go; the approvals that they wait for stay pending."""
        for settled in [future for waiters in self._waiters.values() for future in waiters]:
            _settle(settled)
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller

    async def _poll(self) -> None:
        while self._waiters:
            await asyncio.sleep(self._poll_seconds)
            # while the state cannot be read, requests keep waiting; each reads it again when its time is over
            with suppress(StateUnavailable):
                statuses = await self._statuses(tuple(self._waiters))
                for approval_id in [one for one, status in statuses.items() if status != "pending"]:
                    for settled in self._waiters.get(approval_id, ()):
                        _settle(settled)

    def _leave(self, approval_id: str, settled: asyncio.Future[None]) -> None:
        waiters = self._waiters[approval_id]
        waiters.discard(settled)
        if not waiters:
            del self._waiters[approval_id]


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
