"""`python -m bench.evidence`: what recording costs, how much it takes, and how fast evidence is proved."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.audit import Journal, Record, new_writer
from gateway.audit.verifying.pool import cores
from gateway.audit.verifying.verification import size, verify

_CALLERS = 128
_ROUNDS = 200
_PACED = 1000
_PACE_SECONDS = 1 / 200


def main(folder: Path) -> None:
    """Measure on the folder's file system, print, and say what was measured on."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {folder}\n")
    bare = asyncio.run(_paced(_bare(folder / "bare")))
    journal = Journal(folder / "audit", new_writer(), key=folder / "evidence.key")
    journal.start()
    recorded = asyncio.run(_paced(lambda number: journal.record(_record(number))))
    for name, times in (("write and fdatasync, nothing else", bare), ("record, durable", recorded)):
        p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
        print(f"{name}, 200 a second: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    began, used = time.perf_counter(), time.process_time()
    asyncio.run(_crowd(journal))
    count, took = _CALLERS * _ROUNDS, time.perf_counter() - began
    cpu = (time.process_time() - used) / count * 1e6
    print(f"{_CALLERS} callers that wait: {count / took:.0f} records/s, {cpu:.0f} µs of CPU a record")
    journal.close()
    for jobs in (1, cores()):
        _prove(folder, jobs)


def _prove(folder: Path, jobs: int) -> None:
    began = time.perf_counter()
    report = verify(folder / "audit", folder / "evidence.pub", jobs=jobs)
    took = time.perf_counter() - began
    if not report.intact:
        raise SystemExit(f"the evidence is broken: {report.breaks[0]}")
    megabytes = size(folder / "audit") / 1e6
    print(f"proved {megabytes:.0f} MB with {jobs} processes: {megabytes / took * 60:.0f} MB a minute")


async def _paced(record: Callable[[int], Awaitable[None]]) -> list[float]:
    """The time of each call, sorted, at 200 a second."""
    times, due = [], time.perf_counter()
    for number in range(_PACED):
        due += _PACE_SECONDS
        await asyncio.sleep(max(0, due - time.perf_counter()))
        began = time.perf_counter()
        await record(number)
        times.append(time.perf_counter() - began)
    return sorted(times)


async def _crowd(journal: Journal) -> None:
    async def call(caller: int) -> None:
        for number in range(_ROUNDS):
            await journal.record(_record(caller * _ROUNDS + number))

    await asyncio.gather(*map(call, range(_CALLERS)))


def _bare(path: Path) -> Callable[[int], Awaitable[None]]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def write(_: int) -> None:
        os.write(descriptor, b"x" * 1500)
        os.fdatasync(descriptor)

    return write


def _record(number: int) -> Record:
    """A decision on a prompt of 600 characters with one finding: a line of 1.6 kB."""
    finding = {"entity": "EMAIL_ADDRESS", "category": "pii", "count": 1, "distinct": 1, "new": 1}
    part = {"role": "user", "kind": "text", "pointer": "/messages/0/content", "digest": "d" * 32, "new": True}
    return Record(
        kind="decision",
        exchange_id=f"ex_{number}",
        session_id=f"se_{number % 100}",
        decision_id=f"de_{number}",
        agent="bench",
        provider="openai",
        model="gpt-4o",
        method="POST",
        path="/v1/chat/completions",
        phase="request",
        action="mask",
        findings=({**finding, "max_score": 0.9, "roles": ["user"], "kinds": ["text"]},),
        body={"parts": [{**part, "text": "x" * 600}]},
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="regate-bench-", dir=next(iter(sys.argv[1:]), None)) as place:
        main(Path(place))
