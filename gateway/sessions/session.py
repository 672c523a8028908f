"""Sessions and usage: what an agent did before, in this conversation and in the last minute and day."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass

from gateway.config import ServerKey
from gateway.contract import Action
from gateway.errors import StateUnavailable
from gateway.state import UsageRow, UsageStore
from gateway.words import SessionFacts, UsageFacts, Used

IDLE_SECONDS = 30 * 60
_SESSIONS = 10_000
_DIGESTS = 200_000  # of all sessions together: some 30 MB

# The minute and the day slide in whole slots: up to one slot too much is counted, and never too little.
_MINUTE, _MINUTE_SLOT = 60, 5
_DAY, _DAY_SLOT = 86_400, 1_800
_MILLION = 1_000_000
_Slot = tuple[int, int, str]  # width, start, agent
Scope = tuple[str, ...]  # whose exchange forwarded a part, to whom, under which policy
_Used = tuple[int, int, int]  # requests, tokens, cost in millionths
_Totals = Mapping[int, Mapping[str, _Used]]  # by width and agent
_NOTHING: _Used = (0, 0, 0)


class Session:
    """The exchanges of one conversation, as this process remembers them."""

    def __init__(self, session_id: str, digests: _Digests) -> None:
        self.id = session_id
        self.last_seen = 0.0
        self._digests = digests
        self._forwarded: dict[Scope, set[str]] = {}
        self._counts: dict[str, int] = {"exchanges": 0, "tokens": 0}
        self._entities: set[str] = set()

    def facts(self) -> SessionFacts:
        """What happened before this exchange."""
        return SessionFacts(
            exchanges=self._counts["exchanges"],
            denied=self._counts.get("deny", 0),
            masked=self._counts.get("mask", 0),
            held=self._counts.get("require_approval", 0),
            tokens=self._counts["tokens"],
            entities=tuple(sorted(self._entities)),
        )

    def seen(self, scope: Scope) -> Set[str]:
        """Return the digests of the parts that exchanges of this scope forwarded in this session."""
        return self._forwarded.get(scope, frozenset())

    def forwarded(self, scope: Scope, digests: Iterable[str]) -> None:
        """Remember that an exchange of this scope sent these parts to the provider."""
        known = self._forwarded.setdefault(scope, set())
        before = len(known)
        known.update(digests)
        self._digests.count += len(known) - before

    def count(self, action: Action, tokens: int = 0, entities: Iterable[str] = ()) -> None:
        """One exchange ended this way. Tokens below 0 are tokens that nobody counted."""
        self._counts["exchanges"] += 1
        self._counts[action] = self._counts.get(action, 0) + 1
        self._counts["tokens"] += max(tokens, 0)
        self._entities.update(entities)

    def forget(self) -> None:
        """Give the memory back; every part is new again."""
        self._digests.count -= sum(map(len, self._forwarded.values()))
        self._forwarded = {}
        self._digests = _Digests()  # an exchange that still holds this session counts for nobody


class Sessions:
    """Gives each exchange its session. Bounded: the longest unused session is forgotten first."""

    def __init__(
        self,
        key: ServerKey,
        now: Callable[[], float] = time.time,
        *,
        sessions: int = _SESSIONS,
        digests: int = _DIGESTS,
    ) -> None:
        self._key = key
        self._now = now
        self._max_sessions = sessions
        self._max_digests = digests
        self._digests = _Digests()
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def enter(self, agent_id: str, header: str | None, first_user_text: str) -> Session:
        """The session that the caller names, else the one that its first words belong to.

        A derived session ends when it was idle for half an hour. It informs reports and rules and never
        supplies a value: anybody who begins with the same words is in it. Agents never share a session.
        """
        now = self._now()
        given = (header or "").strip()
        source, text = ("named", given) if given else ("derived", first_user_text)
        name = self._key.digest(f"session/{source}", agent_id.encode(), text.encode("utf-8", "surrogatepass"))
        session = self._sessions.get(name)
        if session is not None and not given and now - session.last_seen > IDLE_SECONDS:
            self._sessions.pop(name).forget()
            session = None
        if session is None:
            session = self._sessions[name] = Session(self._id(name, None if given else now), self._digests)
        session.last_seen = now
        self._sessions.move_to_end(name)
        self._evict()
        return session

    def _id(self, name: bytes, begun: float | None) -> str:
        """A named session is the same for ever. A derived one is told from its successors by the half hour in
        which it began: workers that share a conversation mostly agree, and no two windows begin in the same.
        """
        slot = b"" if begun is None else int(begun // IDLE_SECONDS).to_bytes(8, "big", signed=True)
        return "se_" + self._key.digest("session/id", name, slot).hex()[:32]

    def _evict(self) -> None:
        crowded = len(self._sessions) > self._max_sessions
        while len(self._sessions) > 1 and (crowded or self._digests.count > self._max_digests):
            self._sessions.popitem(last=False)[1].forget()
            crowded = len(self._sessions) > self._max_sessions
        if self._digests.count > self._max_digests:
            self._sessions.popitem()[1].forget()


class UsageCounters:
    """What agents use: counted in memory at once, shared with other workers once a second.

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
        """Count one request, and say what this agent used, that request included."""
        self._add(agent_id, (1, 0, 0))
        minute = self._used(agent_id, _MINUTE_SLOT, _MINUTE)
        day = self._used(agent_id, _DAY_SLOT, _DAY)
        return UsageFacts(minute=Used(*minute), day=Used(*day))

    def spend(self, agent_id: str, tokens: int, cost: float = 0) -> None:
        """What one answer took. Below 0 is what nobody counted."""
        if tokens > 0 or cost > 0:
            self._add(agent_id, (0, max(tokens, 0), math.ceil(max(cost, 0) * _MILLION)))

    async def flush(self) -> None:
        """Write what was counted, read what all workers counted. StateUnavailable loses no count."""
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


@dataclass(slots=True)
class _Digests:
    """How many digests all sessions remember together."""

    count: int = 0
