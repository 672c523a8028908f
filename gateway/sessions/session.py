"""Sessions: what an agent did before in one conversation, as this process remembers it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from gateway.config import ServerKey
from gateway.contract import Action
from gateway.words import SessionFacts

IDLE_SECONDS = 30 * 60
_SESSIONS = 10_000
_DIGESTS = 200_000  # of all sessions together: some 30 MB

Scope = tuple[str, ...]  # whose exchange forwarded a part, to whom, under which policy


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
        """Return what happened before this exchange."""
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

    def mark_forwarded(self, scope: Scope, digests: Iterable[str]) -> None:
        """Remember that an exchange of this scope sent these parts to the provider."""
        known = self._forwarded.setdefault(scope, set())
        before = len(known)
        known.update(digests)
        self._digests.count += len(known) - before

    def count(self, action: Action, tokens: int = 0, entities: Iterable[str] = ()) -> None:
        """Count an exchange that ended this way; tokens below 0 are unknown."""
        self._counts["exchanges"] += 1
        self._counts[action] = self._counts.get(action, 0) + 1
        self._counts["tokens"] += max(tokens, 0)
        self._entities.update(entities)

    def forget(self) -> None:
        """Give the memory back; every part is new again."""
        self._digests.count -= sum(map(len, self._forwarded.values()))
        self._forwarded = {}
        self._digests = _Digests()  # an exchange that still holds this session no longer counts


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
        """Return the session that the caller names, else the one that its first words belong to.

        A derived session ends when it was idle for half an hour. It informs reports and rules and never
        supplies a value: every conversation that begins with the same words is in it. Agents never share one.
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
        """Return the id. A named session keeps it for ever; a derived one has the half hour it began in.

        Workers that share a conversation mostly agree, and no two windows begin in the same half hour.
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


@dataclass(slots=True)
class _Digests:
    """The number of digests that all sessions remember together."""

    count: int = 0
