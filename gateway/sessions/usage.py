"""Usage of agents, people and teams: reserved in the state that all workers share, settled by what was used.

A request goes through these steps:

    reserve   one request, and the tokens that its prompt is thought to take: counted for all workers at once
    facts     what was used in each window, this reservation included; policy goes by that
    settle    what was truly used takes the reservation's place; what did not go up is given back
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.errors import StateUnavailable
from gateway.sessions.windows import KEPT_DAYS, Moment, Windows
from gateway.state import Reserved, Settlement, Stretch, Stretches, Subject, UsageStore
from gateway.words import WINDOWS, Agent, UsageFacts, Used, Window

_MILLION = 1_000_000
_MOST = 10**13
_SETTLE_SECONDS = 0.1  # what is used is known to other workers after that; to this one with its next request
_RETRY_SECONDS = 1.0
_TOLD_SECONDS = 10.0  # a failure is told; then requests may try again, for nothing else would
_TIDY_SECONDS = 900
_TIDY_PAUSE_SECONDS = 0.05  # other workers count meanwhile
_TIDY_DAYS = 3
DEADLINE_SECONDS = 10.0
NO_TEAM = "default"
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Reservation:
    """What one exchange has taken until it is settled. `at` is when it was counted; 0 before that."""

    reserved: Reserved
    counted: asyncio.Future[UsageFacts]
    at: float = 0
    is_open: bool = True

    async def facts(self) -> UsageFacts:
        """Return what its agent, person and team used, itself included. Raises StateUnavailable."""
        try:
            # shielded: a client that leaves does not stop what is being counted
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await asyncio.shield(self.counted)
        except TimeoutError as error:
            raise StateUnavailable(f"state: usage was not counted in {DEADLINE_SECONDS:g} s") from error


@dataclass(slots=True)
class _Batch:
    """What is counted in one transaction."""

    reservations: list[Reservation] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)


class UsageCounters:
    """Counts for one worker; requests that come together are counted in one transaction.

    Where the state cannot say what was used, no request goes on. What is to be settled then waits.
    """

    def __init__(
        self, store: UsageStore, windows: Windows | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._windows = windows or Windows()
        self._now = now
        self._waiting = _Batch()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._failed_at, self._failure = -math.inf, ""

    @property
    def failure(self) -> str:
        """Why usage could not be counted, for some seconds after the last attempt; empty otherwise."""
        return self._failure if self._now() - self._failed_at < _TOLD_SECONDS else ""

    async def start(self) -> None:
        """Prove that usage can be counted, and begin to keep it small. Raises StateUnavailable."""
        after = await self._tidy(KEPT_DAYS)
        self._tidying = asyncio.create_task(self._keep_tidy(after), name="usage tidier")

    def reserve(self, agent: Agent, tokens: int = 0, cost: float = 0) -> Reservation:
        """Begin to count one request, and the tokens and cost that it is sure to take."""
        counted: asyncio.Future[UsageFacts] = asyncio.get_running_loop().create_future()
        counted.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may go unasked
        reservation = Reservation(Reserved(subjects_of(agent), _amount(1, tokens, cost)), counted)
        self._waiting.reservations.append(reservation)
        self._write_now()
        return reservation

    def settle(self, reservation: Reservation, tokens: int = 0, cost: float = 0, *, kept: bool) -> None:
        """Put what was used in the place of what was reserved.

        A reservation that is not `kept` is given back whole. A second call does nothing.
        """
        if not reservation.is_open:
            return
        reservation.is_open = False
        if reservation in self._waiting.reservations:
            self._waiting.reservations.remove(reservation)
            reservation.counted.cancel()
        else:
            took = reservation.reserved.amount
            back = Used(0, took.tokens, took.cost_micros) if kept else took
            used = _amount(0, tokens, cost) if kept else Used()
            # at once, or when it is counted: its client may have left before
            reservation.counted.add_done_callback(lambda _: self._settle(reservation, back, used))

    async def close(self) -> None:
        """Stop, once all is written. Raises StateUnavailable when it cannot be."""
        if self._tidying is not None:
            self._tidying.cancel()
            with suppress(asyncio.CancelledError):
                await self._tidying
        while self._task is not None and not self._task.done():
            await self._task
        if self._waiting.settled:
            await self._count(self._take())

    def _settle(self, reservation: Reservation, back: Used, used: Used) -> None:
        if reservation.counted.exception() is None:
            subjects = reservation.reserved.subjects
            self._waiting.settled.append(Settlement(subjects, reservation.at, back, used))
            self._write_within(_SETTLE_SECONDS)

    def _write_within(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._write_now)

    def _write_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="usage counters")

    async def _write(self) -> None:
        """Write until nothing waits but what a timer will write."""
        while self._waiting.reservations or (self._waiting.settled and self._timer is None):
            batch = self._take()
            try:
                await self._count(batch)
                self._failure = ""
            except StateUnavailable as error:
                self._failed_at, self._failure = self._now(), error.message
                _log.warning("usage not written: %s", error)
                for one in batch.reservations:
                    one.counted.set_exception(StateUnavailable(error.message))
                self._waiting.settled[:0] = batch.settled
                self._write_within(_RETRY_SECONDS)

    def _take(self) -> _Batch:
        batch, self._waiting = self._waiting, _Batch()
        return batch

    async def _count(self, batch: _Batch) -> None:
        now = self._now()
        moment = self._windows.at(now)
        reserved = [one.reserved for one in batch.reservations]
        found = await self._store.count(now, reserved, batch.settled, moment.starts)
        for reservation, stretches in zip(batch.reservations, found, strict=True):
            reservation.at = now
            reservation.counted.set_result(_facts(moment, stretches, now))

    async def _keep_tidy(self, after: Sequence[str] | None) -> None:
        """Go on `after` a subject, then begin anew every so often; requests are counted in between."""
        days = KEPT_DAYS
        while True:
            if after is None:
                days = _TIDY_DAYS
            await asyncio.sleep(_TIDY_SECONDS if after is None else _TIDY_PAUSE_SECONDS)
            try:
                after = await self._tidy(days, after or ("", ""))
            except StateUnavailable as error:
                _log.warning("usage not tidied: %s", error)
                after = None

    async def _tidy(self, days: int, after: Sequence[str] = ("", "")) -> Sequence[str] | None:
        """Join what is old of a few subjects; marks of the last so many days may not be joined yet."""
        now = self._now()
        begun = self._windows.days(now)
        return await self._store.tidy(now, begun[0], begun[-days - 1 :], after)


def subjects_of(agent: Agent) -> tuple[Subject, ...]:
    """Return whose usage a request of this agent is.

    The person is the end user it acts for, or else its owner, however the name is spelled. The team is the
    first group of its key; agents of no group are one team. A key with limits is counted on its own as well.
    """
    own: tuple[Subject, ...] = (("key", agent.key_id),) if agent.scope.limits else ()
    return ("agent", agent.id), ("person", agent.person), ("team", next(iter(agent.groups), NO_TEAM)), *own


def _amount(requests: int, tokens: int, cost: float) -> Used:
    """Return an amount; what is negative is not known, and parts of a millionth count as one.

    More than `_MOST` of one exchange would take the meters out of the range of whole numbers.
    """
    micros = math.ceil(min(max(cost, 0) * _MILLION, _MOST))
    return Used(requests, min(max(tokens, 0), _MOST), micros)


def _facts(moment: Moment, stretches: Stretches, now: float) -> UsageFacts:
    used = {scope: _windows(moment, found, now) for (scope, _), found in stretches.items()}
    return UsageFacts(used["agent"], used["person"], used["team"], used.get("key", {}))


def _windows(moment: Moment, stretches: Sequence[Stretch], now: float) -> dict[Window, Used]:
    return {
        window: Used(
            one.used.requests,
            one.used.tokens,
            one.used.cost_micros,
            moment.turns_in(window, one.oldest_until, now),
        )
        for window, one in zip(WINDOWS, stretches, strict=True)
    }
