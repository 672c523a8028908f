"""The data path as an ASGI application over a fake gateway: slow bodies, callers that leave, the drain."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from starlette.types import Message

from gateway.errors import Refusal
from gateway.exchange.exchange import Exchange
from gateway.exchange.govern import Gateway
from gateway.exchange.refuse import refusal_answer
from gateway.exchange.steps import Answer
from gateway.http import proxy
from gateway.http.proxy import Proxy
from gateway.observe.metrics import Metrics
from gateway.upstream import Transport, Upstream

Work = Callable[[Exchange], Awaitable[None]]


@dataclass
class FakeGateway:
    """Reads the body, does some work, answers `done`; keeps how exchanges ended."""

    work: Work
    family: str = "openai"
    ended: list[str] = field(default_factory=list)

    async def answer(self, exchange: Exchange) -> Answer:
        exchange.received = replace(
            exchange.received, upstream=Upstream("", self.family, cast(Transport, None), None)
        )
        try:
            await exchange.call.body()
            await self.work(exchange)
        except Refusal as refusal:
            exchange.outcome = refusal.code
            return refusal_answer(exchange, refusal)
        exchange.outcome = "completed"
        return Answer(200, {"content-type": "application/json"}, b'"done"')

    def abandon(self, exchange: Exchange, code: str) -> None:
        exchange.outcome = exchange.outcome or code

    def settle(self, exchange: Exchange) -> None:
        self.ended.append(exchange.outcome)


@dataclass
class Caller:
    """One request: sends `said`, then leaves when told; what it heard is in `heard`."""

    said: list[Message]
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        if self.said:
            return self.said.pop(0)
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)

    @property
    def status(self) -> int:
        return int(self.heard[0]["status"])

    @property
    def body(self) -> Any:
        return json.loads(b"".join(message["body"] for message in self.heard[1:]))


SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/openai/v1/chat/completions",
    "query_string": b"",
    "headers": [(b"user-agent", b"test")],
    "client": ("127.0.0.1", 1),
}


def whole(body: bytes = b"{}") -> list[Message]:
    return [{"type": "http.request", "body": body, "more_body": False}]


def serving(gateway: FakeGateway, caller: Caller) -> Awaitable[None]:
    served = Proxy(cast(Gateway, gateway), Metrics(), limit=1000, enforced=True)
    return served(dict(SCOPE), caller.receive, caller.send)


async def nothing(_: Exchange) -> None:
    """The exchange is over at once."""


async def for_ever(_: Exchange) -> None:
    await asyncio.Event().wait()


async def test_a_caller_that_stays_gets_the_answer() -> None:
    gateway, caller = FakeGateway(nothing), Caller(whole())
    await serving(gateway, caller)

    assert (caller.status, caller.body) == (200, "done")
    assert gateway.ended == ["completed"]


async def test_a_body_that_does_not_come_in_time_is_an_invalid_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy, "_BODY_SECONDS", 0.05)
    caller = Caller([{"type": "http.request", "body": b'{"a', "more_body": True}])
    gateway = FakeGateway(nothing)
    async with asyncio.timeout(5):
        await serving(gateway, caller)

    assert (caller.status, caller.body["error"]["code"]) == (400, "invalid_request")
    assert gateway.ended == ["invalid_request"]


async def test_the_time_for_the_body_is_not_the_time_for_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_BODY_SECONDS", 0.05)

    async def think(_: Exchange) -> None:
        await asyncio.sleep(0.2)

    caller = Caller(whole())
    await serving(FakeGateway(think), caller)

    assert caller.status == 200


async def test_a_caller_that_leaves_in_its_body_or_later_cancels_the_exchange() -> None:
    half: Message = {"type": "http.request", "body": b"{", "more_body": True}
    for said in ([half], whole()):
        gateway, caller = FakeGateway(for_ever), Caller(said)
        task = asyncio.ensure_future(serving(gateway, caller))
        await asyncio.sleep(0.02)
        caller.leaving.set()
        async with asyncio.timeout(5):
            await task

        assert gateway.ended == ["cancelled"]
        assert caller.heard == []


async def test_a_step_that_swallows_the_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proxy, "_CANCEL_SECONDS", 0.05)

    async def careless(_: Exchange) -> None:
        for _times in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue  # what a library does that loses cancellations
        await asyncio.Event().wait()

    gateway, caller = FakeGateway(careless), Caller(whole())
    task = asyncio.ensure_future(serving(gateway, caller))
    await asyncio.sleep(0.02)
    caller.leaving.set()
    async with asyncio.timeout(5):
        await task

    assert gateway.ended == ["cancelled"]


@pytest.mark.parametrize("family", ["openai", "anthropic"])
async def test_a_request_that_the_drain_cuts_off_is_told_so_in_its_dialect(family: str) -> None:
    gateway, caller = FakeGateway(for_ever, family), Caller(whole())
    task = asyncio.ensure_future(serving(gateway, caller))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert caller.status == 503
    assert caller.body["error"]["code"] == "shutting_down"
    assert ("type" in caller.body) == (family == "anthropic")
    assert gateway.ended == ["cancelled"]


async def test_an_answer_that_has_begun_is_not_answered_twice_by_the_drain() -> None:
    gateway, caller = FakeGateway(nothing), Caller(whole())

    async def stuck(message: Message) -> None:
        caller.heard.append(message)
        await asyncio.Event().wait()

    served = Proxy(cast(Gateway, gateway), Metrics(), limit=1000, enforced=True)
    task = asyncio.ensure_future(served(dict(SCOPE), caller.receive, stuck))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [message["type"] for message in caller.heard] == ["http.response.start"]
