"""What each agent, person and team used: meters that all workers share, and marks of how far they stood.

For example, with a mark for each five seconds in which something was counted:

    mark  12:00:00 – 12:00:05   the meter stood at 0 requests before it
    mark  12:00:50 – 12:00:55   at 7
    meter                       at 9

Since 12:00:10 the meter went from 7 to 9: two requests. Any stretch of time can be asked about, whether it
slides or is a day in some time zone. One that begins within a mark has all that was counted in it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from gateway.state.database import State
from gateway.words import UsageScope, Used

MARK_SECONDS = 5
Subject = tuple[UsageScope, str]
"""Whose usage is counted: an agent, a person or a team, by name."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What one exchange takes of the meters of its subjects before it is known what it uses."""

    subjects: tuple[Subject, ...]
    amount: Used


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reservation made at `at` gives back of its amount, and what was used instead."""

    subjects: tuple[Subject, ...]
    at: float
    back: Used
    used: Used


class Stretch(msgspec.Struct, frozen=True):
    """What was used since some time, and until when the oldest of it was counted."""

    used: Used
    oldest_until: int


Stretches = Mapping[Subject, Sequence[Stretch]]  # for each subject one for each beginning that was asked for
_Base = tuple[int, list[tuple[int, Used]]]  # how often marks were lowered by then; where stretches begin


class UsageStore:
    """The meters of one state file, as one process counts on them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._bases = _Bases(-1, (), {})

    async def count(
        self, now: float, reserved: Sequence[Reserved], settled: Sequence[Settlement], since: Sequence[float]
    ) -> list[Stretches]:
        """Count it all or nothing, what is settled first; return what each reservation's subjects used.

        The reservation itself and those before it are in it, in this call and in those of all workers; those
        after it are not. `since` has at least one time, none after `now`. Calls must not overlap. Raises
        StateUnavailable.
        """
        slot = int(now // MARK_SECONDS) * MARK_SECONDS
        if (self._bases.slot, self._bases.since) != (slot, since):
            self._bases = _Bases(slot, since, {})
        try:
            return await self._state.counting(
                lambda connection: _Counting(connection, self._bases).count(reserved, settled)
            )
        except BaseException:
            self._bases = _Bases(-1, (), {})  # marks that it made may be undone
            raise

    async def tidy(
        self, now: float, before: float, days: Sequence[float], after: Sequence[str] = ("", "")
    ) -> Sequence[str] | None:
        """Join old marks, and forget what was counted `before`, of the next few subjects in order.

        Past two minutes one mark is left for a quarter of an hour, past 26 hours one for a day; `days` are
        when days begin, oldest first. Returns after which subject to go on, None behind the last one: no
        transaction takes long, however many there are. Raises StateUnavailable.
        """
        return await self._state.counting(lambda connection: _tidy(connection, now, before, days, after))


@dataclass(frozen=True, slots=True)
class _Bases:
    """Where stretches begin, as read in these five seconds: for so long nothing else begins elsewhere."""

    slot: int
    since: Sequence[float]
    of: dict[Subject, _Base]


_ADD = """
INSERT INTO usage_counts SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
  json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
  json_extract(value, '$[5]') FROM json_each(?) WHERE true
ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens,
  cost = cost + excluded.cost, lowered = lowered + excluded.lowered
"""
_METERS = """
SELECT c.* FROM json_each(?) g CROSS JOIN usage_counts c
ON c.scope = json_extract(g.value, '$[0]') AND c.name = json_extract(g.value, '$[1]')
"""
_MARK = """
INSERT INTO usage_marks SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS
  (SELECT 1 FROM usage_marks WHERE scope = ?1 AND name = ?2 AND until >= ?3)
"""
_LOWER = """
UPDATE usage_marks SET requests = requests - ?, tokens = tokens - ?, cost = cost - ?
WHERE scope = ? AND name = ? AND since > ?
"""
# SQLite goes through a cross join in this order: every mark that is read is one that was looked for.
_BASES = """
SELECT m.until, m.requests, m.tokens, m.cost FROM json_each(?1) w CROSS JOIN usage_marks m
ON m.scope = ?2 AND m.name = ?3 AND m.until =
  (SELECT min(until) FROM usage_marks n WHERE n.scope = ?2 AND n.name = ?3 AND n.until > w.value)
ORDER BY w.key
"""


class _Counting:
    """One transaction. It takes few statements: at each of them other threads may go first."""

    def __init__(self, connection: sqlite3.Connection, bases: _Bases) -> None:
        self._connection = connection
        self._bases = bases

    def count(self, reserved: Sequence[Reserved], settled: Sequence[Settlement]) -> list[Stretches]:
        lowered = self._lower_marks(settled)
        added = _sums(
            *((one.subjects, one.used) for one in settled), *((one.subjects, one.amount) for one in reserved)
        )
        backs = _sums(*((one.subjects, _negative(one.back)) for one in settled))
        meters = self._add(added, backs, lowered)
        running: dict[Subject, Used] = {}
        for subject, (meter, times_lowered) in meters.items():
            before = _sum(meter, _negative(added[subject]))  # what is given back is not in it
            self._know_bases(subject, before, times_lowered)
            running[subject] = before
        for one in settled:
            for subject in one.subjects:
                running[subject] = _sum(running[subject], one.used)
        found: list[Stretches] = []
        for taken in reserved:
            for subject in taken.subjects:
                running[subject] = _sum(running[subject], taken.amount)
            found.append({subject: self._stretches(subject, running[subject]) for subject in taken.subjects})
        return found

    def _lower_marks(self, settled: Sequence[Settlement]) -> set[Subject]:
        """Lower the marks behind each reservation that gives something back: they have it in them."""
        lowered = [
            (back.requests, back.tokens, back.cost_micros, *subject, one.at)
            for one in settled
            if (back := one.back) != Used() and one.at < self._bases.slot
            for subject in one.subjects
        ]
        if lowered:
            self._connection.executemany(_LOWER, lowered)
        return {(row[3], row[4]) for row in lowered}

    def _add(
        self, added: Mapping[Subject, Used], backs: Mapping[Subject, Used], lowered: Set[Subject]
    ) -> dict[Subject, tuple[Used, int]]:
        """Move the meters on; return how they stand then, and how often their marks were lowered."""
        rows = []
        for subject, amount in added.items():
            moved = _sum(amount, backs[subject]) if subject in backs else amount
            rows.append((*subject, moved.requests, moved.tokens, moved.cost_micros, int(subject in lowered)))
        given = json.dumps(rows)
        self._connection.execute(_ADD, (given,))
        return {
            (scope, name): (Used(*counts), times)
            for scope, name, *counts, times in self._connection.execute(_METERS, (given,))
        }

    def _know_bases(self, subject: Subject, before: Used, times_lowered: int) -> None:
        """Make the mark of these five seconds, and read where the stretches begin, unless that is known.

        Where there is a later mark, because another process was quicker or the clock went back, that one has
        what is counted now: marks never go down.
        """
        known = self._bases.of.get(subject)
        if known is None:
            slot = self._bases.slot
            counts = before.requests, before.tokens, before.cost_micros
            self._connection.execute(_MARK, (*subject, slot + MARK_SECONDS, slot, *counts))
        if known is None or known[0] != times_lowered:
            rows = self._connection.execute(_BASES, (json.dumps(self._bases.since), *subject))
            marks = [(until, _negative(Used(*counts))) for until, *counts in rows]
            self._bases.of[subject] = times_lowered, marks

    def _stretches(self, subject: Subject, meter: Used) -> list[Stretch]:
        return [Stretch(_sum(meter, negative), until) for until, negative in self._bases.of[subject][1]]


def _sums(*amounts: tuple[Sequence[Subject], Used]) -> dict[Subject, Used]:
    sums: dict[Subject, Used] = {}
    for subjects, amount in amounts:
        for subject in subjects:
            sums[subject] = _sum(sums[subject], amount) if subject in sums else amount
    return sums


def _sum(one: Used, other: Used) -> Used:
    return Used(one.requests + other.requests, one.tokens + other.tokens, one.cost_micros + other.cost_micros)


def _negative(one: Used) -> Used:
    return Used(-one.requests, -one.tokens, -one.cost_micros)


_OLD_SECONDS, _QUARTER, _FOREVER = 120, 900, 10**12
_DAYS_OLD_SECONDS = 26 * 3600
# Of the marks of one group the last stays, with how far the meters stood before the first of them.
_JOIN = """
WITH grouped AS (SELECT scope, name, min(since) AS since, max(until) AS until, min(requests) AS requests,
    min(tokens) AS tokens, min(cost) AS cost
  FROM usage_marks WHERE (scope, name) > (?4, ?5) AND (scope, name) <= (?6, ?7)
    AND until > ?1 AND until <= ?2
  GROUP BY scope, name, (until - 1) / ?3 HAVING count(*) > 1)
INSERT INTO usage_marks SELECT scope, name, until, since, requests, tokens, cost FROM grouped WHERE true
ON CONFLICT DO UPDATE SET since = excluded.since, requests = excluded.requests, tokens = excluded.tokens,
  cost = excluded.cost
"""
_DROP_JOINED = """
DELETE FROM usage_marks AS m WHERE (scope, name) > (?3, ?4) AND (scope, name) <= (?5, ?6)
  AND until > ?1 AND until <= ?2 AND EXISTS (SELECT 1 FROM usage_marks o
  WHERE o.scope = m.scope AND o.name = m.name AND o.until > m.until AND o.since <= m.since)
"""
_FORGET = """
DELETE FROM usage_marks WHERE (scope, name) > (?3, ?4) AND (scope, name) <= (?5, ?6)
  AND (until <= ?1 OR until > ?2)
"""
_FORGET_SUBJECTS = """
DELETE FROM usage_counts AS c WHERE (scope, name) > (?1, ?2) AND (scope, name) <= (?3, ?4)
  AND NOT EXISTS (SELECT 1 FROM usage_marks m WHERE m.scope = c.scope AND m.name = c.name)
"""
_NEXT = "SELECT scope, name FROM usage_counts WHERE (scope, name) > (?, ?) ORDER BY scope, name LIMIT ?"
_TIDIED = 500  # subjects in one transaction


def _tidy(
    connection: sqlite3.Connection, now: float, before: float, days: Sequence[float], after: Sequence[str]
) -> Sequence[str] | None:
    subjects: list[tuple[str, str]] = connection.execute(_NEXT, (*after, _TIDIED)).fetchall()
    if not subjects:
        return None
    these = (*after, *subjects[-1])
    # one from the future is a clock's that was wrong: it would take all that is counted
    connection.execute(_FORGET, (before, now + 3600, *these))
    settled = (now - _OLD_SECONDS) // _QUARTER * _QUARTER
    spans = [(now - _DAYS_OLD_SECONDS, settled, _QUARTER)]
    spans += [(begin, end, _FOREVER) for begin, end in pairwise(days) if end <= now - _DAYS_OLD_SECONDS]
    for span in spans:
        connection.execute(_JOIN, (*span, *these))
        connection.execute(_DROP_JOINED, (*span[:2], *these))
    connection.execute(_FORGET_SUBJECTS, these)
    return subjects[-1] if len(subjects) == _TIDIED else None
