"""Inspection on the event loop."""

import asyncio

import pytest

from gateway.detect import Inspection, Inspector
from gateway.detect.cache import ResultCache
from gateway.errors import InspectionFailed
from gateway.exchange import Part, Span


async def test_small_and_large_prompts_give_the_same_findings(inspector: Inspector) -> None:
    inspection = Inspection(inspector, 10)
    ((small,),) = await inspection.find([Part("user", "text", "/a", "mail a@example.com")])
    ((large,),) = await inspection.find([Part("user", "text", "/a", "mail a@example.com" + " word" * 5000)])
    assert small == large
    await inspection.close()


async def test_the_loop_goes_on_while_a_large_prompt_is_inspected(inspector: Inspector) -> None:
    inspection = Inspection(inspector, 30)
    task = asyncio.create_task(inspection.find([Part("user", "text", "/a", "no. 7 of 9, at 3@ " * 50_000)]))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3
    await inspection.close()


async def test_a_late_inspection_refuses_the_exchange(inspector: Inspector) -> None:
    inspection = Inspection(inspector, 0.01)
    with pytest.raises(InspectionFailed):
        await inspection.find([Part("user", "text", "/a", "415 555 2671 " * 5000)])
    await inspection.close()


def test_the_cache_forgets_the_oldest_result_when_it_is_full() -> None:
    cache = ResultCache(limit_bytes=1000)
    span = Span("EMAIL_ADDRESS", "pii", 1.0, 0, 3)
    for number in range(10):
        cache[cache.digest(str(number), "")] = (span,)
    assert cache[cache.digest("0", "")] is None
    assert cache[cache.digest("9", "")] == (span,)
    assert cache[cache.digest("9", "key")] is None
