"""The processes that inspect: a hung one is ended, a dead one replaced, and none outlives the gateway."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.config import Detect
from gateway.detect.service import pool
from gateway.detect.service.pool import ProcessPool
from gateway.errors import InspectionFailed

LARGE = "mail a@example.com" + " word" * 5000


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.02)


@pytest.fixture
async def processes() -> AsyncIterator[ProcessPool]:
    """A pool with one process that is up; its texts may take three seconds."""
    pool = ProcessPool(Detect(), 3)
    await until(pool.ensure_started)
    yield pool
    await pool.close()


def pids(pool: ProcessPool) -> set[int]:
    return {process.pid for process in pool._processes}


async def test_a_hung_process_is_ended_and_another_takes_over(processes: ProcessPool) -> None:
    (hung,) = pids(processes)
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(InspectionFailed):
        await processes.inspect([("", LARGE)])
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)
    await until(processes.ensure_started)
    assert [len(spans) for spans in await processes.inspect([("", LARGE), ("", "nothing")])] == [1, 0]
    assert hung not in pids(processes)


async def test_a_process_that_died_is_replaced_and_one_whose_caller_left_is_kept(
    processes: ProcessPool,
) -> None:
    (first,) = pids(processes)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await processes.inspect([("", "415 555 2671 " * 5000)])
    assert [len(spans) for spans in await processes.inspect([("", LARGE)])] == [1]
    assert first in pids(processes)
    os.kill(first, signal.SIGKILL)
    await until(lambda: processes.ensure_started() and first not in pids(processes))
    assert [len(spans) for spans in await processes.inspect([("", LARGE)])] == [1]


async def test_a_full_queue_and_a_process_that_does_not_start_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_MOST_WAITING", 1)
    broken = ProcessPool(Detect(regions=("XX",)), 0.5)  # no Detector can be made of this
    assert not broken.ensure_started()
    waiting = asyncio.create_task(broken.inspect([("", "text")]))
    await asyncio.sleep(0)
    with pytest.raises(InspectionFailed, match="too many"):
        await broken.inspect([("", "text")])
    with pytest.raises(InspectionFailed, match="in time"):
        await waiting
    await until(lambda: not broken._starting)
    assert not broken.ensure_started()
    assert not broken._starting  # it waits before it tries again
    await broken.close()


_OWNER = """
import asyncio, sys
from gateway.config import Detect
from gateway.detect.service.pool import ProcessPool

async def main():
    pool = ProcessPool(Detect(), 30)
    while not pool.ensure_started():
        await asyncio.sleep(0.02)
    print(*(process.pid for process in pool._processes), flush=True)
    await pool.inspect([("", "415 555 2671 " * 1_000_000)])

asyncio.run(main())
"""


def test_processes_die_with_a_gateway_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    asyncio.run(until(lambda: not _runs(pid)))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
