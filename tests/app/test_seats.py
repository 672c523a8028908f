"""One request too many waits for its turn, and is then told to come back."""

from __future__ import annotations

import asyncio
import string
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.upstream import UpstreamRequest, UpstreamResponse
from gateway.upstream.demo import DemoTransport
from tests.support.application import Running, opener
from tests.support.waiting import PATIENCE_SECONDS

BULK = ", ".join(f"{letter}.{letter}oe@acme.org" for letter in string.ascii_lowercase)


class SlowProvider:
    """The demo provider, which answers once it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.answers = asyncio.Event()

    async def wait_for(self, calls: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.calls < calls:  # noqa: ASYNC110 - calls are counted
                await asyncio.sleep(0.01)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowProvider:
    provider, send = SlowProvider(), DemoTransport.send

    async def slowly(self: DemoTransport, request: UpstreamRequest) -> UpstreamResponse:
        provider.calls += 1
        await provider.answers.wait()
        return await send(self, request)

    monkeypatch.setattr(DemoTransport, "send", slowly)
    return provider


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": {"exchanges": 1, "queue_seconds": 0.05}},
        {"limits": {"agent_exchanges": 1, "queue_seconds": 0.05}},
        {
            "limits": {"queue_seconds": 0.05},
            "providers": {"demo": {"family": "openai", "base_url": "builtin:demo", "exchanges": 1}},
        },
    ],
    ids=["in all", "of an agent", "of a provider"],
)
async def test_a_request_without_a_seat_never_reaches_the_provider(
    tmp_path: Path, slow: SlowProvider, changes: dict[str, object]
) -> None:
    async with opener(tmp_path)(**changes) as running:
        first = asyncio.create_task(running.ask("one"))
        await slow.wait_for(1)
        refused = await running.ask("two")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_exchanges")
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert slow.calls == 1
        slow.answers.set()
        assert (await first).status_code == 200
        assert (await running.ask("three")).status_code == 200
        assert slow.calls == 2


async def test_a_request_that_waits_gets_the_seat_that_becomes_free(
    tmp_path: Path, slow: SlowProvider
) -> None:
    async with opener(tmp_path)(limits={"exchanges": 1, "queue_seconds": PATIENCE_SECONDS}) as running:
        asked = [asyncio.create_task(running.ask(f"number {number}")) for number in range(5)]
        await slow.wait_for(1)
        slow.answers.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 5


async def test_a_client_that_leaves_gives_its_seat_back(tmp_path: Path, slow: SlowProvider) -> None:
    async with opener(tmp_path)(limits={"exchanges": 1, "queue_seconds": 0.05}) as running:
        first = asyncio.create_task(running.ask("one"))
        await slow.wait_for(1)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        slow.answers.set()
        assert (await running.ask("two")).status_code == 200


async def test_a_request_that_waits_for_people_holds_no_seat(tmp_path: Path) -> None:
    async with opener(tmp_path)(limits={"exchanges": 1, "queue_seconds": 0.05}) as running:
        held = asyncio.create_task(running.ask(BULK))
        await _pending(running)
        assert (await running.ask("two")).status_code == 200
        held.cancel()
        with suppress(asyncio.CancelledError):
            await held


async def _pending(running: Running) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await running.worker.approvals.list(status="pending"):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.01)
