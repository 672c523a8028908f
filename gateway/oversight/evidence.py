"""Evidence as people ask for it: fixed questions and their own SQL, a child process each, few at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.audit.reading import WARNINGS, QueryLimits, query
from gateway.errors import RegateError

T = TypeVar("T")
RowDict = dict[str, Any]  # a row by its columns

CHILDREN = 2
WAITING = 16
ROWS = 1_000
BYTES = 8 * 1024 * 1024
# Tighter than the command line's: every row comes back through the gateway's own memory.
_LIMITS = QueryLimits(seconds=20, memory=512 * 1024**2, address_space=1536 * 1024**2)
_PARTS = 1_000
_PART_CHARACTERS = 20_000
_TEXT_CHARACTERS = 1_000_000

_EXCHANGES = """
    SELECT latest.*, coalesce(why.reasons, []) AS reasons
    FROM (SELECT * FROM exchanges
          WHERE ($1 = '' OR session_id = $1) AND ($2 = '' OR agent = $2) AND ($3 = '' OR action = $3)
          ORDER BY started_at DESC, exchange_id LIMIT $4) AS latest
    LEFT JOIN (SELECT exchange_id, list_distinct(list({'rule': rule, 'title': title, 'message': message,
                   'severity': severity, 'controls': controls})) AS reasons
               FROM reasons GROUP BY exchange_id) AS why ON why.exchange_id = latest.exchange_id
    ORDER BY latest.started_at DESC, latest.exchange_id
"""
_EXCHANGE = "SELECT * FROM exchanges WHERE exchange_id = $1"
_DECISIONS = f"""
    SELECT decision_id, recorded_at, phase, action, enforced, revision, approval_id, duration_ms, findings,
        reasons, {WARNINGS} AS warnings
    FROM decisions WHERE exchange_id = $1 ORDER BY recorded_at, seq
"""  # noqa: S608 - our own names; values are bound
# A decision that was asked twice lists its parts twice: the first asking of each phase is what was said.
_SAID = f"""
    SELECT record_kind, phase, role, kind, pointer, is_new AS "new", left(text, {_PART_CHARACTERS}) AS text,
        coalesce(length(text), -1) AS characters
    FROM parts WHERE {{whose}} AND exchange_id = $1
    QUALIFY seq = min(seq) OVER (PARTITION BY record_kind, phase)
    ORDER BY recorded_at, seq, place LIMIT {_PARTS}
"""  # noqa: S608 - our own names; values are bound
_SESSIONS = """
    SELECT * FROM sessions WHERE ($1 = '' OR agent = $1) ORDER BY ended_at DESC, session_id LIMIT $2
"""
_SESSION = "SELECT * FROM sessions WHERE session_id = $1"


class NotInEvidence(RegateError):
    """No record is about this id."""


class Busy(RegateError):
    """Too many queries wait already."""


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer; `truncated` when there were more rows than the bounds let through."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    truncated: bool = False

    def dicts(self) -> list[RowDict]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Evidence:
    """Reads the audit folder through sandboxed children, off the event loop, `children` at a time.

    Methods raise QueryRefused and QueryFailed (gateway.audit.reading.sql) and Busy.
    """

    def __init__(self, root: Path, *, children: int = CHILDREN, waiting: int = WAITING) -> None:
        self._root = root
        self._places = asyncio.Semaphore(children)
        self._most = children + waiting
        self._inside = 0

    async def sql(self, text: str, *, rows: int = ROWS) -> Rows:
        """Answer the caller's own SELECT with its first `rows` rows and 8 MiB."""
        return await self._ask(text, rows=rows)

    async def sessions(self, *, agent: str = "", limit: int = 100) -> list[RowDict]:
        """Return the latest sessions, the latest first."""
        return (await self._ask(_SESSIONS, agent, limit)).dicts()

    async def session(self, session_id: str) -> RowDict:
        """Return a session with its exchanges. Raises NotInEvidence."""
        found = (await self._ask(_SESSION, session_id)).dicts()
        if not found:
            raise NotInEvidence("there is no such session in the evidence")
        return found[0] | {"exchanges": await self.exchanges(session=session_id, limit=ROWS)}

    async def exchanges(
        self, *, session: str = "", agent: str = "", action: str = "", limit: int = 100
    ) -> list[RowDict]:
        """Return the latest exchanges, the latest first, with the reasons of their decisions."""
        return (await self._ask(_EXCHANGES, session, agent, action, limit)).dicts()

    async def exchange(self, exchange_id: str) -> RowDict:
        """Return an exchange with its decisions and its masked parts. Raises NotInEvidence."""
        found = (await self._ask(_EXCHANGE, exchange_id)).dicts()
        if not found:
            raise NotInEvidence("there is no such exchange in the evidence")
        decisions, said = await asyncio.gather(
            self._ask(_DECISIONS, exchange_id), self._said(exchange_id, found[0]["session_id"])
        )
        parts = _bounded(said.dicts())
        return found[0] | {
            "decisions": decisions.dicts(),
            "prompt": [part for part in parts if not _is_answer(part)],
            "completion": _answer(parts),
            "truncated": decisions.truncated or said.truncated or len(parts) == _PARTS,
        }

    async def _said(self, exchange_id: str, session_id: str | None) -> Rows:
        """Return what was said; its session's name has no other session's texts looked through."""
        if session_id is None:
            return await self._ask(_SAID.format(whose="session_id IS NULL"), exchange_id)
        return await self._ask(_SAID.format(whose="session_id = $2"), exchange_id, session_id)

    async def _ask(self, text: str, *values: str | int, rows: int = ROWS) -> Rows:
        return await self._run(lambda: _read(self._root, text, values, rows))

    async def _run(self, work: Callable[[], T]) -> T:
        """Run in a thread once there is a place; a caller that leaves does not free it early."""
        if self._inside >= self._most:
            raise Busy("too many queries wait for the evidence; expected some to end first")
        self._inside += 1
        return await asyncio.shield(asyncio.create_task(self._placed(work)))

    async def _placed(self, work: Callable[[], T]) -> T:
        try:
            async with self._places:
                return await asyncio.to_thread(work)
        finally:
            self._inside -= 1


def _read(root: Path, text: str, values: Sequence[str | int], most: int) -> Rows:
    rows: list[list[Any]] = []
    size, truncated = 0, False
    with query(root, text, values, limits=_LIMITS) as result:
        for row in result.rows:
            size += len(json.dumps(row, ensure_ascii=False))
            if len(rows) >= most or size > BYTES:
                truncated = True
                break
            rows.append(row)
    return Rows(result.columns, result.types, rows, truncated)


def _bounded(parts: list[RowDict]) -> list[RowDict]:
    """Cut the parts' texts off behind a million characters; `characters` tells how long each really is."""
    left = _TEXT_CHARACTERS
    for part in parts:
        if part["text"] is not None:
            part["text"] = part["text"][: max(left, 0)]
            left -= len(part["text"])
    return parts


def _is_answer(part: RowDict) -> bool:
    return bool(part["record_kind"] == "completion" or part["phase"] == "response")


def _answer(parts: list[RowDict]) -> list[RowDict]:
    """Return the completion as recorded at its end; without an end, as policy was asked about it."""
    closing = [part for part in parts if part["record_kind"] == "completion"]
    return closing or [part for part in parts if _is_answer(part)]
