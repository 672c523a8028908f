"""A child that hangs is replaced once, and nobody is told anything but that there is no decision."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from gateway.contract.decision import Decision
from gateway.errors import PolicyUnavailable
from gateway.policy.engine.supervised import Child, Supervised
from gateway.policy.source.source import PolicySource
from tests.unit.policy.conftest import LIBRARY

LOG = logging.getLogger("test.policy")
SOURCE = PolicySource(LIBRARY, {}, b"{}", "r1")


class FakeChild:
    """Answers unless it hangs; while it is being stopped, asking it is a fault, as with a closed session."""

    def __init__(self) -> None:
        self.asked = 0
        self.pid = 1
        self.hangs = False
        self.stops = 0
        self._gone = asyncio.Event()

    async def start(self) -> None:
        """Nothing to start."""

    async def decide(self, document: dict[str, Any]) -> Decision:
        assert not self.stops, "asked while it was stopped"
        if self.hangs:
            await asyncio.sleep(0.02)
            raise PolicyUnavailable("late")
        return Decision(action="allow")

    async def ended(self) -> None:
        await self._gone.wait()

    async def stop(self) -> None:
        self.stops += 1
        await asyncio.sleep(0.1)
        self._gone.set()


class Engine(Supervised):
    """Keeps every child that it made."""

    def __init__(self) -> None:
        super().__init__(1.0, LOG)
        self.children: list[FakeChild] = []

    @property
    def name(self) -> str:
        return "fake"

    def _new_child(self, source: PolicySource) -> Child:
        self.children.append(FakeChild())
        return self.children[-1]


async def test_a_child_that_hangs_is_replaced_after_three_late_answers() -> None:
    engine = Engine()
    await engine.start(SOURCE)
    engine.children[0].hangs = True
    for _ in range(3):
        with pytest.raises(PolicyUnavailable, match="late"):
            await engine.decide({})
    with pytest.raises(PolicyUnavailable, match="not running"):  # and not a fault of the one that ends
        await engine.decide({})

    await until_ready(engine)
    assert (await engine.decide({})).action == "allow"
    assert len(engine.children) == 2
    await engine.close()
    assert [child.stops for child in engine.children] == [1, 1]


async def test_late_answers_that_are_not_in_a_row_replace_nobody() -> None:
    engine = Engine()
    await engine.start(SOURCE)
    [child] = engine.children
    for _ in range(3):
        for hangs in (True, True, False):
            child.hangs = hangs
            await asyncio.gather(engine.decide({}), return_exceptions=True)

    assert child.stops == 0
    await engine.close()


async def test_many_who_wait_for_the_same_hung_child_have_it_replaced_once() -> None:
    engine = Engine()
    await engine.start(SOURCE)
    engine.children[0].hangs = True
    answers = await asyncio.gather(*(engine.decide({}) for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {PolicyUnavailable}

    await until_ready(engine)
    assert len(engine.children) == 2
    assert engine.children[0].stops == 1
    await engine.close()


async def test_who_hears_late_of_the_old_child_says_nothing_about_the_new_one() -> None:
    engine = Engine()
    await engine.start(SOURCE)
    engine.children[0].hangs = True
    asking = [asyncio.create_task(engine.decide({})) for _ in range(5)]
    await asyncio.sleep(0)
    await engine.start(SOURCE)
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert {type(answer) for answer in answers} == {PolicyUnavailable}
    assert engine.ready
    assert len(engine.children) == 2
    assert engine.children[1].stops == 0
    await engine.close()


async def until_ready(engine: Engine) -> None:
    async with asyncio.timeout(60):
        while not engine.ready:  # noqa: ASYNC110 - an engine has no event for it
            await asyncio.sleep(0.01)


async def test_a_replaced_child_ends_though_the_engine_closes_at_once() -> None:
    engine = Engine()
    await engine.start(SOURCE)
    await engine.start(SOURCE)
    await engine.close()
    assert [child.stops for child in engine.children] == [1, 1]
