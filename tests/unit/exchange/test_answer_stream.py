"""A stream ends as its record says: whole, refused half way with an error event, or cancelled."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.config import Limits
from gateway.errors import Refusal, UpstreamUnreadable
from gateway.exchange.answer_stream import StreamedCompletion
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.masking import Restorer
from gateway.upstream import ReplayedResponse
from tests.unit.exchange.conftest import NewExchange
from tests.unit.exchange.test_passage import END, texts


class Ends:
    """A ledger that remembers how an exchange ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def record_completion(self, exchange: Exchange, *_: object) -> None:
        self._end(exchange, "completed")

    def record_refusal(self, exchange: Exchange, refusal: Refusal) -> None:
        self._end(exchange, refusal.code)

    def record_break(self, exchange: Exchange, code: str) -> None:
        self._end(exchange, code)

    def _end(self, exchange: Exchange, how: str) -> None:
        self.ends.append(how)
        self.said = exchange.streamed.hexdigest() if exchange.streamed else ""


def digest(sent: list[bytes]) -> str:
    return hmac.digest(b"k" * 32, b"".join(sent), "sha256").hex()


@pytest.fixture
def ledger() -> Ends:
    return Ends()


@pytest.fixture
def completion(inspector: Inspector, ledger: Ends) -> StreamedCompletion:
    unused = cast(Any, None)  # nothing is found, so policy is not asked
    return StreamedCompletion(unused, inspector, cast(Any, ledger), Limits())


async def start(
    completion: StreamedCompletion, new_exchange: NewExchange, raw: bytes
) -> AsyncGenerator[bytes]:
    exchange = new_exchange()
    exchange.received = replace(exchange.received, dialect="openai.chat")
    exchange.restorer = Restorer(exchange.vault, [])
    exchange.receipt_key = b"k" * 32
    answer = await completion.answer(exchange, ReplayedResponse(200, {}, raw))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    return cast("AsyncGenerator[bytes]", answer.body)


async def test_a_whole_stream_is_recorded_before_its_last_event(
    completion: StreamedCompletion, new_exchange: NewExchange, ledger: Ends
) -> None:
    sent = []
    async for event in await start(completion, new_exchange, texts("Good ", "day ", "to you ") + END):
        sent.append(event)
        if b"to you" in event:
            assert ledger.ends == []
    assert ledger.ends == ["completed"]
    assert b"[DONE]" in sent[-1]
    assert ledger.said == digest(sent)


async def test_half_a_stream_ends_with_an_error_event(
    completion: StreamedCompletion, new_exchange: NewExchange, ledger: Ends
) -> None:
    events = await start(completion, new_exchange, texts("Good ", "day "))
    sent = [event async for event in events]
    last = sent[-1]
    assert ledger.said == digest(sent)
    code = UpstreamUnreadable("").code
    assert json.loads(last.split(b"data: ", 1)[1])["error"]["code"] == code
    assert ledger.ends == [code]


async def test_a_refusal_before_the_first_byte_keeps_its_status(
    completion: StreamedCompletion, new_exchange: NewExchange, ledger: Ends
) -> None:
    with pytest.raises(UpstreamUnreadable):
        await start(completion, new_exchange, b"data: {]\n\n")
    assert ledger.ends == []


async def test_a_stream_that_nobody_reads_on_is_recorded_as_cancelled(
    completion: StreamedCompletion, new_exchange: NewExchange, ledger: Ends
) -> None:
    events = await start(completion, new_exchange, texts("Good ", "day ", "to you ") + END)
    await anext(events)
    await events.aclose()
    assert ledger.ends == ["cancelled"]
