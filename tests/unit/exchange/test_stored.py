"""The tokens of what a provider keeps count once: when it is made, or when it is first read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.config import ServerKey
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Envelope, Received
from gateway.exchange.stored import Stored
from gateway.state import TaskHolders, open_state
from gateway.upstream import Transport, Upstream
from gateway.words import Completion, Usage
from tests.unit.exchange.conftest import NewExchange

KEY = ServerKey(b"s" * 32)
BATCH = {"id": "resp_a", "background": True}


def reading(new_exchange: NewExchange, dialect: str, path: str, base: str = "http://p") -> Exchange:
    exchange = new_exchange()
    exchange.call = replace(exchange.call, method="GET")
    upstream = Upstream("openai", "openai", cast(Transport, None), None, base_url=base)
    exchange.received = Received(upstream=upstream, envelope=Envelope(path), dialect=dialect)
    exchange.is_counted, exchange.completion = False, Completion(usage=Usage(5, 7))
    return exchange


@pytest.mark.parametrize(
    ("dialect", "path", "document", "counts"),
    [
        ("openai.responses", "/v1/responses/resp_a", {"id": "resp_a"}, False),
        ("openai.responses", "/v1/responses/resp_a", {"id": "resp_a", "background": True}, True),
        ("openai.chat", "/v1/chat/completions/c", {"id": "c", "background": True}, False),
        ("openai.files", "/v1/files/f/content", [{}], True),
        ("openai.files", "/v1/files/f", {"id": "f"}, False),
        ("anthropic.batches", "/v1/messages/batches/b/results", [{}], True),
    ],
)
async def test_tokens_count_when_they_are_first_told(
    new_exchange: NewExchange, tmp_path: Any, dialect: str, path: str, document: Any, counts: bool
) -> None:
    state = open_state(tmp_path / "regate.db")
    stored = Stored(KEY, TaskHolders(state))
    counted = []
    for base in ("http://p", "http://p", "http://q"):
        exchange = reading(new_exchange, dialect, path, base)
        await stored.count(exchange, document)
        counted.append(exchange.is_counted)
    assert counted == [counts, False, counts]
    state.close()


async def test_what_tells_no_tokens_is_not_claimed(new_exchange: NewExchange, tmp_path: Any) -> None:
    state = open_state(tmp_path / "regate.db")
    stored = Stored(KEY, TaskHolders(state))
    exchange = reading(new_exchange, "openai.responses", "/v1/responses/resp_a")
    exchange.completion = Completion()
    await stored.count(exchange, BATCH)
    exchange.completion = Completion(usage=Usage(5, 7))
    await stored.count(exchange, BATCH)
    assert exchange.is_counted
    state.close()


async def test_a_stream_counts_as_far_as_it_came_unless_its_answer_counted_before(
    new_exchange: NewExchange, tmp_path: Any
) -> None:
    """A client that leaves before the tokens are told pays for what it got, each time until they are."""
    state = open_state(tmp_path / "regate.db")
    stored = Stored(KEY, TaskHolders(state))

    async def read(*events: Any, told: bool = False) -> bool:
        exchange = reading(new_exchange, "openai.responses", "/v1/responses/resp_a")
        exchange.completion = Completion(usage=Usage(5, 7)) if told else Completion()
        await stored.expect(exchange)
        for event in events:
            await stored.count_event(exchange, event)
        return exchange.is_counted

    begun, delta = {"type": "response.created", "response": BATCH}, {"delta": "on"}
    assert [await read(begun, delta), await read(delta)] == [True, True]
    assert not await read({"response": {"id": "resp_a", "background": False}}, delta)  # counted when made
    assert [await read(delta, begun, told=True), await read(delta, begun, told=True)] == [True, False]
    assert not await read(delta)
    state.close()
