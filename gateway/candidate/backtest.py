"""Recorded inputs put to a candidate policy, streamed from the journal to an engine on every core."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from gateway.audit.reading import RecordedDecision, count_decisions, decision_lines, dropped, rebuild
from gateway.candidate.comparing import compare
from gateway.candidate.report import BacktestReport
from gateway.contract import Decision, guard
from gateway.policy import PolicySource
from gateway.policy.engine import Engine, Lane, open_lanes

_BATCH = 64  # lines that a lane is given at once
_BATCH_BYTES = 4 * 1024 * 1024
_READ_AHEAD = 4  # batches


async def run_backtest(
    root: Path,
    source: PolicySource,
    *,
    since: datetime | None = None,
    sample: int = 0,
    engine: Engine | None = None,
    timeout_seconds: float = 2.0,
    limit: int = 5,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> BacktestReport:
    """Ask `source` about the decisions recorded since a time: all, or `sample` of them spread evenly.

    `limit` exchanges are kept for each difference; `progress` gets what is done and how much there is. Each
    decision is replayed by itself: what a candidate would have changed in the rest of a session is not played
    out. Raises ConfigError, PolicyUnavailable, EvidenceUnreadable.
    """
    started = time.monotonic()
    recorded = await asyncio.to_thread(count_decisions, root, since)
    total = min(sample or recorded, recorded)
    cores = len(os.sched_getaffinity(0))
    async with (
        open_lanes(source, engine, cores=cores, timeout_seconds=timeout_seconds) as (chosen, lanes),
        aclosing(_batches(root, since, recorded, total)) as batches,
    ):
        report = BacktestReport(source.revision, chosen, recorded, *dropped(root, since))

        def replayed() -> None:
            progress(report.replayed + report.lost.total(), total)

        await _share_out(batches, [_Replay(lane, report, limit, replayed) for lane in lanes])
    report.seconds = time.monotonic() - started
    return report


class _Replay:
    """What one lane does with a batch: rebuild, ask, guard as the gateway does, compare."""

    def __init__(self, lane: Lane, report: BacktestReport, limit: int, replayed: Callable[[], None]) -> None:
        self._lane = lane
        self._report = report
        self._limit = limit
        self._replayed = replayed

    async def run(self, lines: Sequence[bytes]) -> None:
        asked, documents = [], []
        for line in lines:
            recorded = rebuild(line)
            before = _decided(recorded)
            if recorded.input is None or before is None:
                self._report.lost[recorded.lost or "unreadable"] += 1
            else:
                asked.append((recorded, before))
                documents.append(recorded.input)
        told = iter(asked)
        async for outcome in self._lane.decide_each(documents):
            recorded, before = next(told)
            after = _guarded(recorded, outcome) if isinstance(outcome, Decision) else outcome
            self._report.add(recorded, compare(before, after), after, self._limit)
        self._replayed()


async def _share_out(batches: AsyncIterator[list[bytes]], replays: Sequence[_Replay]) -> None:
    """Give each lane the next batch when it is done with one."""
    queue: asyncio.Queue[list[bytes] | None] = asyncio.Queue(_READ_AHEAD)

    async def read() -> None:
        async for batch in batches:
            await queue.put(batch)
        for _ in replays:
            await queue.put(None)

    async def replay(one: _Replay) -> None:
        while (batch := await queue.get()) is not None:
            await one.run(batch)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for one in replays:
                group.create_task(replay(one))
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None  # each is the end of all; one of them is enough to say


def _decided(recorded: RecordedDecision) -> Decision | None:
    try:
        return msgspec.convert(recorded.decision, Decision)
    except msgspec.ValidationError:
        return None


def _guarded(recorded: RecordedDecision, decision: Decision) -> Decision:
    return guard(
        decision,
        syntax=recorded.syntax,
        approval_status=recorded.approval_status,
        enforced=recorded.enforced,
    )


async def _batches(
    root: Path, since: datetime | None, recorded: int, wanted: int
) -> AsyncGenerator[list[bytes]]:
    """Yield the chosen lines, read by one thread; leaving early waits for its last step."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as reader:
        lines = _spread(decision_lines(root, since), recorded, wanted)
        try:
            while batch := await loop.run_in_executor(reader, _batch, lines):
                yield batch
        finally:
            await loop.run_in_executor(reader, lines.close)


def _spread(lines: Iterator[bytes], recorded: int, wanted: int) -> Generator[bytes]:
    """Yield `wanted` of the lines at even distances, without those recorded after the count."""
    for place, line in enumerate(islice(lines, recorded)):
        if (place + 1) * wanted // recorded > place * wanted // recorded:
            yield line


def _batch(lines: Iterator[bytes]) -> list[bytes]:
    batch: list[bytes] = []
    taken = 0
    while len(batch) < _BATCH and taken < _BATCH_BYTES:
        line = next(lines, None)
        if line is None:
            break
        batch.append(line)
        taken += len(line)
    return batch
