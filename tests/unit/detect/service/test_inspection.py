"""Inspection on the event loop: the cache, the small texts, and the processes for the large ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.detect import DetectionService, Detector
from gateway.detect.matching.patterns import InspectionLate
from gateway.detect.service import inspection
from gateway.errors import InspectionFailed
from gateway.words import Match, Part

LARGE = "mail a@example.com" + " word" * 5000


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it is another process that changes it
            await asyncio.sleep(0.02)


def part(text: str) -> Part:
    return Part("user", "text", "/a", text)


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


async def test_a_process_is_started_for_small_texts_only_once_several_were_late(
    inspector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_INLINE_SECONDS", 1e-9)
    asked = DetectionService(inspector, 30)
    monkeypatch.setattr(inspector, "inspect", _late_on_the_loop(inspector.inspect))
    began = []
    monkeypatch.setattr(asked._pool, "ensure_started", lambda: began.append(1))
    for number in range(inspection._COLD):
        await asked.find([part(f"mail a{number}@example.com")])
    assert not began
    await asked.find([part("mail b@example.com")])
    assert began
    await asked.close()


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


async def test_a_small_text_is_not_waited_for_longer_than_a_large_one(
    inspector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small is inspected without a timer, unless it leaves the event loop."""
    monkeypatch.setattr(inspection, "_INLINE_CHARACTERS", 0)
    asked = DetectionService(inspector, 0.05)
    monkeypatch.setattr(asked, "_off_loop", lambda _: asyncio.sleep(3600))
    with pytest.raises(InspectionLate):
        async with asyncio.timeout(60):
            await asked.find([part("mail a@example.com")])
    await asked.close()
