"""The shadow policy: a candidate that is asked about live traffic, after the fact, and never decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.audit import Journal, Record
from gateway.candidate.comparing import Transition, compare
from gateway.config import Config
from gateway.contract import Decision, Syntax, guard, to_document
from gateway.errors import PolicyError, PolicyUnavailable, RecordingFailed
from gateway.observe import Metrics
from gateway.policy import Policies

_QUESTIONS = 1_000  # that wait; more traffic than the candidate can follow is dropped
_CHARACTERS = 32 * 1024 * 1024  # of their texts
_PAUSE_SECONDS = 0.2
_EXAMPLES = 5  # newest ones that are kept for each difference


def _say_who(line: logging.LogRecord) -> bool:
    """Mark the engine's and the policy's log lines as the candidate's."""
    line.msg = f"shadow policy, which decides nothing: {line.msg}"
    return True


_log = logging.getLogger("regate.shadow")
_log.addFilter(_say_who)


@dataclass(frozen=True, slots=True)
class Question:
    """What policy was asked and what was decided; `record` names the exchange as the ledger does."""

    record: Record
    document: dict[str, Any]
    syntax: tuple[Syntax, ...]
    decision: Decision

    @property
    def characters(self) -> int:
        count: int = self.document["prompt"]["characters"]
        return count


@dataclass(frozen=True, slots=True)
class Difference:
    """How often the candidate would have decided so, and the newest decisions that it was about."""

    before: str
    after: str
    changed: tuple[str, ...]
    count: int
    decision_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """The candidate that is asked, what is wrong with its latest edit, what it said since it was loaded."""

    engine: str
    revision: str = ""
    ready: bool = False
    error: str = ""
    since: datetime | None = None
    asked: int = 0
    dropped: int = 0
    unrecorded: int = 0
    differences: tuple[Difference, ...] = ()


class Shadow:
    """Puts every decision's question to a candidate as well, one at a time, in an engine of its own.

    Nothing waits for it. What it cannot follow is dropped and counted; what goes wrong in it shows in its
    status and stays there.
    """

    def __init__(self, config: Config, journal: Journal, metrics: Metrics) -> None:
        """Take a configuration that names the candidate as its policy."""
        self._policies = Policies(config, _log)
        self._journal = journal
        self._metrics = metrics
        self._waiting: deque[Question] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._tally = _Tally()
        self._unsaid = 0  # dropped, and not yet in the journal
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; a candidate that cannot be used is no reason not to."""
        self._tasks = [
            asyncio.create_task(self._load(), name="shadow policy"),
            asyncio.create_task(self._run(), name="shadow"),
        ]

    def observe(self, question: Question) -> None:
        """Have the candidate asked later, if it can follow. Returns at once."""
        full = len(self._waiting) >= _QUESTIONS or self._characters + question.characters > _CHARACTERS
        if full or not self._policies.status().ready:
            self._tally.dropped += 1
            self._unsaid += 1
            self._metrics.shadow_dropped()
            return
        self._waiting.append(question)
        self._characters += question.characters
        self._wake.set()

    def status(self) -> ShadowStatus:
        """Return which candidate is asked now, and what it answered since it was loaded."""
        policy = self._policies.status()
        self._tally = self._tally.of(policy.revision)
        return ShadowStatus(
            policy.engine,
            policy.revision,
            policy.ready,
            policy.error,
            policy.loaded_at,
            self._tally.counts.total(),
            self._tally.dropped,
            self._tally.unrecorded,
            self._tally.differences(),
        )

    async def close(self) -> None:
        """Stop asking; what waits is left. No process stays behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._policies.close()
        with contextlib.suppress(RecordingFailed):
            self._say_dropped(self._tally.revision)

    async def _load(self) -> None:
        try:
            await self._policies.start_when_good()
        except Exception:  # noqa: BLE001 - the outermost handler: a fault here must not end the gateway
            _log.exception("unforeseen fault")

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._until_ready()
                question = self._waiting.popleft()
                self._characters -= question.characters
                try:
                    await self._ask(question)
                except Exception:  # noqa: BLE001 - the outermost handler: a fault here must not end the shadow
                    _log.exception("unforeseen fault", extra={"exchange_id": question.record.exchange_id})

    async def _until_ready(self) -> None:
        """Wait for an engine that is being replaced; questions stay in the queue."""
        while not self._policies.status().ready:  # noqa: ASYNC110 - rare
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ask(self, question: Question) -> None:
        began = time.perf_counter()
        said: Decision | PolicyError | PolicyUnavailable
        try:
            said = guard(
                await self._policies.decide(question.document),
                syntax=question.syntax,
                approval_status=question.document["approval"]["status"],
                enforced=question.record.enforced,
            )
        except (PolicyError, PolicyUnavailable) as error:
            said = error
        took = (time.perf_counter() - began) * 1000
        transition = compare(question.decision, said)
        revision = said.revision if isinstance(said, Decision) else self._policies.status().revision
        self._tally = self._tally.of(revision)
        self._tally.add(transition, question.record.decision_id)
        self._metrics.shadow(transition.before, transition.after, changed=not transition.same)
        self._write(_record(question, transition, said, revision, took))
        if isinstance(said, PolicyUnavailable):
            await asyncio.sleep(_PAUSE_SECONDS)  # until it shows whether the engine is being replaced

    def _write(self, record: Record) -> None:
        """Leave the journal to the traffic when it is behind: comparisons can be lost."""
        try:
            if self._journal.crowded:
                raise RecordingFailed("the journal is behind")
            self._say_dropped(record.revision)
            self._journal.enqueue(record)
        except RecordingFailed:
            self._tally.unrecorded += 1

    def _say_dropped(self, revision: str) -> None:
        if self._unsaid:
            body = {"dropped": self._unsaid}
            self._journal.enqueue(Record(kind="shadow", code="dropped", revision=revision, body=body))
            self._unsaid = 0


@dataclass(slots=True)
class _Tally:
    """What one revision of the candidate said."""

    revision: str = ""
    counts: Counter[Transition] = field(default_factory=Counter)
    newest: dict[Transition, deque[str]] = field(default_factory=dict)
    dropped: int = 0
    unrecorded: int = 0

    def of(self, revision: str) -> _Tally:
        """Return this count, or a new one when the candidate has changed."""
        return self if revision == self.revision else _Tally(revision)

    def add(self, transition: Transition, decision_id: str) -> None:
        self.counts[transition] += 1
        if not transition.same:
            self.newest.setdefault(transition, deque(maxlen=_EXAMPLES)).append(decision_id)

    def differences(self) -> tuple[Difference, ...]:
        return tuple(
            Difference(one.before, one.after, one.changed, count, tuple(self.newest[one]))
            for one, count in self.counts.most_common()
            if not one.same
        )


def _record(
    question: Question,
    transition: Transition,
    said: Decision | PolicyError | PolicyUnavailable,
    revision: str,
    took_ms: float,
) -> Record:
    """Record the candidate's decision beside the real one, whose record holds the input and its text."""
    compared = {
        "before": transition.before,
        "after": transition.after,
        "changed": list(transition.changed),
        "differs": not transition.same,
        "live_revision": question.decision.revision,
    }
    made = replace(
        question.record, kind="shadow", revision=revision, duration_ms=round(took_ms, 3), findings=()
    )
    if not isinstance(said, Decision):
        return replace(made, action="", reasons=(), code=said.code, body={**compared, "error": said.message})
    document: Mapping[str, Any] = to_document(said)
    return replace(
        made,
        action=said.action,
        reasons=tuple(document["reasons"]),
        body={**compared, "decision": document},
    )
