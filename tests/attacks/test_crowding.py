"""What an attacker wanted: every place where requests wait for people, so that other agents get none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.approvals import Approval, Approvals, Binding, transitions
from gateway.config.server_key import ServerKey
from gateway.contract.decision import ApprovalTerms
from gateway.errors import PolicyDenied
from gateway.state import ApprovalStore
from gateway.words import Agent
from tests.support.contents import told
from tests.support.desk import Desk, open_desk

PLACES = 40


@dataclass(frozen=True, slots=True)
class Crowd:
    approvals: Approvals

    async def ask(self, agent: str, owner: str, number: int = 0, text: str = "hello") -> Approval:
        who = Agent(agent, owner, "api_key")
        binding = Binding(who, "POST", "/v1", "", "openai", "request", f"d{number}")
        return await self.approvals.hold(
            binding,
            ApprovalTerms(),
            revision="r1",
            exchange_id="ex",
            session_id="se",
            reasons=[],
            contents=told(f"user: {text}"),
        )

    async def waits(self, approval: Approval) -> bool:
        """Whether there is a place to wait for this approval; it is kept where there is one."""
        waiting = asyncio.create_task(self.approvals.wait(approval.id, 60))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        return not done


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def crowd(desk: Desk) -> AsyncIterator[Crowd]:
    store = ApprovalStore(desk.state)
    approvals = Approvals(store, desk.journal, ServerKey(bytes(32)), max_waiting=PLACES, poll_seconds=5)
    yield Crowd(approvals)
    await approvals.close()


async def test_one_agent_does_not_take_every_place_to_wait(crowd: Crowd) -> None:
    """Its own requests are answered at once beyond its share, and those of others still wait."""
    loud = await crowd.ask("loud", "eve")
    assert sum([await crowd.waits(loud) for _ in range(PLACES // 10 + 3)]) == PLACES // 10
    assert await crowd.waits(await crowd.ask("quiet", "ana"))


async def test_one_owner_does_not_take_every_place_with_many_agents(crowd: Crowd) -> None:
    """The agents of one owner share what that owner may take."""
    waited = 0
    for number in range(PLACES // 4 + 3):
        waited += await crowd.waits(await crowd.ask(f"loud-{number}", "eve"))
    assert waited == PLACES // 4
    assert await crowd.waits(await crowd.ask("quiet", "ana"))


async def test_a_place_is_free_again_when_its_request_has_left(crowd: Crowd) -> None:
    """Shares are of those who wait now."""
    loud = await crowd.ask("loud", "eve")
    for _ in range(3):
        waiting = [asyncio.create_task(crowd.approvals.wait(loud.id, 60)) for _ in range(PLACES // 10)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await crowd.waits(loud)


@pytest.mark.parametrize(
    ("limit", "name"),
    [("MAX_PENDING", lambda _: "loud"), ("MAX_PENDING_OF_OWNER", lambda number: f"loud-{number}")],
)
async def test_nobody_buries_the_people_who_decide(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, limit: str, name: Callable[[int], str]
) -> None:
    """Neither one agent nor one owner has more than a share pending; others can still ask."""
    monkeypatch.setattr(transitions, limit, 5)
    for number in range(5):
        await crowd.ask(name(number), "eve", number)
    with pytest.raises(PolicyDenied, match="5 approvals pending"):
        await crowd.ask(name(6), "eve", 6)
    assert (await crowd.ask("quiet", "ana", 7)).status == "pending"


async def test_one_owner_does_not_fill_the_disk_with_what_is_shown(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people can be shown of one owner's agents is bounded in bytes too."""
    monkeypatch.setattr(transitions, "MAX_BYTES_OF_OWNER", 10_000)
    await crowd.ask("one", "eve", 1, "x" * 6_000)
    with pytest.raises(PolicyDenied, match="10000 bytes"):
        await crowd.ask("two", "eve", 2, "x" * 6_000)
    assert (await crowd.ask("quiet", "ana", 3, "x" * 6_000)).status == "pending"
