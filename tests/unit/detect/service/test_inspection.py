"""Inspection on the event loop: the cache, the small texts, and the processes for the large ones."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.config import Detect
from gateway.detect import DetectionService, Detector
from gateway.detect.matching.patterns import InspectionLate
from gateway.detect.service import inspection, pool
from gateway.detect.service.cache import ResultCache
from gateway.detect.service.pool import ProcessPool
from gateway.errors import InspectionFailed
from gateway.words import Match, Part

LARGE = "mail a@example.com" + " word" * 5000


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.02)


def part(text: str) -> Part:
    return Part("user", "text", "/a", text)


@pytest.fixture
async def processes() -> AsyncIterator[ProcessPool]:
    """A pool with one process that is up; its texts may take three seconds."""
    pool = ProcessPool(Detect(), 3)
    await until(pool.ensure_started)
    yield pool
    await pool.close()


def pids(pool: ProcessPool) -> set[int]:
    return {process.pid for process in pool._processes}


async def test_small_and_large_prompts_give_the_same_findings_also_from_a_process(
    inspector: Detector,
) -> None:
    inspection = DetectionService(inspector, 30)
    ((small,),) = await inspection.find([part("mail a@example.com")])
    ((large,),) = await inspection.find([part(LARGE)])
    await until(inspection._pool.ensure_started)
    ((again,),) = await inspection.find([part(f"{LARGE} half a surrogate \ud800")])
    await inspection.close()
    assert small == large == again


async def test_the_loop_goes_on_while_a_large_prompt_is_inspected(inspector: Detector) -> None:
    inspection = DetectionService(inspector, 30)
    task = asyncio.create_task(inspection.find([part("no. 7 of 9, at 3@ " * 50_000)]))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3
    await inspection.close()


async def test_a_late_inspection_refuses_the_exchange(inspector: Detector) -> None:
    inspection = DetectionService(inspector, 0.01)
    with pytest.raises(InspectionFailed):
        await inspection.find([part("415 555 2671 " * 5000)])
    await inspection.close()


async def test_a_small_text_that_takes_long_leaves_the_event_loop(
    inspector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_INLINE_SECONDS", 1e-9)
    asked = DetectionService(inspector, 30)
    monkeypatch.setattr(inspector, "inspect", _late_on_the_loop(inspector.inspect))
    ((finding,),) = await asked.find([part("mail a@example.com")])
    await asked.close()
    assert finding.entity == "EMAIL_ADDRESS"


def _late_on_the_loop(inspect: Callable[..., tuple[Match, ...]]) -> Callable[..., tuple[Match, ...]]:
    def guarded(text: str, *, key: str, seconds: float | None = None) -> tuple[Match, ...]:
        if seconds is not None and seconds < 1:
            raise InspectionLate("too long for the loop")
        return inspect(text, key=key)

    return guarded


def test_texts_that_a_thread_looks_at_have_one_deadline_together(
    inspector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []

    def slowly(text: str, **_: object) -> tuple[Match, ...]:
        looked_at.append(text)
        time.sleep(0.02)
        return ()

    monkeypatch.setattr(inspector, "inspect", slowly)
    with pytest.raises(InspectionLate):
        DetectionService(inspector, 0.05)._in_thread([("", str(number)) for number in range(50)])
    assert len(looked_at) < 50


async def test_a_text_that_failed_is_not_remembered_as_harmless(
    inspector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = DetectionService(inspector, 30)

    def fail(*_: object, **__: object) -> tuple[Match, ...]:
        raise InspectionFailed("a recognizer failed on the text")

    with monkeypatch.context() as patch:
        patch.setattr(inspector, "inspect", fail)
        with pytest.raises(InspectionFailed):
            await asked.find([part("mail a@example.com")])
    assert len((await asked.find([part("mail a@example.com")]))[0]) == 1
    await asked.close()


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
    broken = ProcessPool(Detect(phone_regions=("XX",)), 0.5)  # no Detector can be made of this
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


def test_the_cache_forgets_the_oldest_result_when_it_is_full() -> None:
    cache = ResultCache(limit_bytes=2000)
    span = Match("EMAIL_ADDRESS", "pii", 1.0, 0, 3)
    for number in range(10):
        cache[cache.digest(str(number), "")] = (span,)
        assert cache.bytes <= 2000
    assert cache[cache.digest("0", "")] is None
    assert cache[cache.digest("9", "")] == (span,)
    assert cache[cache.digest("9", "key")] is None


def test_texts_are_told_apart_however_key_and_text_are_cut() -> None:
    cache = ResultCache(limit_bytes=2000)
    assert cache.digest("b", "a") != cache.digest("ab", "") != cache.digest("", "ab")
    assert cache.digest("same", "k") == cache.digest("same", "k") != ResultCache(2000).digest("same", "k")
