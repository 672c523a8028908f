"""A held stream that is kept alive: comments until people decide, then the completion or an error event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from gateway.dialects import comment, encode, error_event, parse
from gateway.errors import Refusal
from gateway.exchange.answer_stream import refusal_event
from gateway.exchange.exchange import Answer, Exchange
from gateway.exchange.record import Ledger


def keeps_alive(exchange: Exchange, seconds: float) -> bool:
    """Whether this exchange is a held stream and the configuration wants comments while it waits."""
    return (
        seconds > 0 and exchange.enforced and exchange.prompt.stream and exchange.action == "require_approval"
    )


class WaitingRoom:
    """Answers at once, so that a load balancer stays patient; the status can then only be 200."""

    def __init__(self, ledger: Ledger, seconds: float) -> None:
        self._ledger = ledger
        self._seconds = seconds

    def answer(self, exchange: Exchange, acting: Coroutine[Any, Any, Answer]) -> Answer:
        """`acting` is the rest of the exchange: the hold and what follows it."""
        headers = exchange.headers() | {"content-type": "text/event-stream", "cache-control": "no-store"}
        return Answer(200, headers, self._frames(exchange, acting))

    async def _frames(self, exchange: Exchange, acting: Coroutine[Any, Any, Answer]) -> AsyncGenerator[bytes]:
        task = asyncio.create_task(acting)
        try:
            while not task.done():
                yield comment("held")
                await asyncio.wait([task], timeout=self._seconds)
            answer = task.result()
            if isinstance(answer.body, bytes):  # no stream after all: the provider's own error
                yield encode(error_event(exchange.family, parse(answer.body)))
                return
            async for frame in answer.body:
                yield frame
        except Refusal as refusal:
            self._ledger.refused(exchange, refusal)
            yield encode(refusal_event(exchange, refusal))
        except (asyncio.CancelledError, GeneratorExit):
            self._ledger.broken_off(exchange, "cancelled")
            raise
        finally:
            task.cancel()
