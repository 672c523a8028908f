"""Requests that wait for people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import pytest

from gateway.approvals.waiting import Waiting
from gateway.errors import StateUnavailable
from gateway.state import Status


class Statuses:
    def __init__(self) -> None:
        self.status: Status = "pending"
        self.broken = False

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, Status]:
        if self.broken:
            raise StateUnavailable("state: gone")
        return dict.fromkeys(ids, self.status)


@pytest.fixture
def statuses() -> Statuses:
    return Statuses()


async def test_a_wait_ends_with_the_decision(statuses: Statuses) -> None:
    """Also when the state could not be read for a while."""
    waiting = Waiting(statuses, poll_seconds=0.01, places=10)
    statuses.broken = True
    task = asyncio.create_task(waiting.until_settled("ap_1", 60, ("coder", "alice")))
    await asyncio.sleep(0.05)
    assert not task.done()
    statuses.broken, statuses.status = False, "approved"
    await asyncio.wait_for(task, 10)
    await waiting.close()


async def test_one_agent_does_not_take_the_places_of_others(statuses: Statuses) -> None:
    """It has a tenth of them; a request without a place returns at once."""
    waiting = Waiting(statuses, poll_seconds=0.01, places=20)
    tasks = [
        asyncio.create_task(waiting.until_settled(f"ap_{number}", 60, ("coder", "alice")))
        for number in range(2)
    ]
    await asyncio.sleep(0)
    began = time.monotonic()
    await waiting.until_settled("ap_3", 60, ("coder", "alice"))
    assert time.monotonic() - began < 30
    other = asyncio.create_task(waiting.until_settled("ap_4", 60, ("other", "bob")))
    await asyncio.sleep(0.05)
    assert not other.done()
    await waiting.close()
    await asyncio.gather(*tasks, other)
