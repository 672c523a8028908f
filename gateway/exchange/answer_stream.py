"""A completion that streams: scanned, decided, masked and restored as it flows; tool calls when complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from gateway.config import Limits
from gateway.dialects import SSE, Framing, comment, named_alike, rpc_of
from gateway.errors import PolicyDenied, Refusal, UpstreamTimeout
from gateway.exchange.exchange import STREAM_HEADERS, Exchange
from gateway.exchange.hold import Holder, enforce
from gateway.exchange.inspect import Inspector
from gateway.exchange.intake import Intake
from gateway.exchange.passage import Passage
from gateway.exchange.record import Ledger
from gateway.exchange.refuse import refusal_event
from gateway.exchange.steps import Answer
from gateway.upstream import UpstreamResponse, pack


class StreamedCompletion:
    """Answers exchanges whose completion streams, in a dialect whose streams can be read."""

    def __init__(self, holder: Holder, inspector: Inspector, ledger: Ledger, limits: Limits) -> None:
        self._holder = holder
        self._inspector = inspector
        self._ledger = ledger
        self._limits = limits

    async def answer(self, exchange: Exchange, response: UpstreamResponse, framing: Framing = SSE) -> Answer:
        """Start the stream, so that a refusal before its first byte still has its true status."""
        intake = Intake(response, exchange.dialect, self._limits.response_bytes, framing)
        headers = await self._inspector.headers(exchange, response.headers)
        await self._inspector.stored.expect(exchange)
        passage = Passage(exchange, intake, self._inspector, self._ask)
        endless = _is_endless(exchange)
        events = self._events(passage, endless=endless)
        first = exchange.handed(comment("listening")) if endless else await anext(events, b"")
        named = named_alike(response.headers.get("content-type", ""), framing.media_type)
        headers |= exchange.headers() | STREAM_HEADERS | {"content-type": named}
        return Answer(response.status, headers, _chain(first, events))

    async def _events(self, passage: Passage, *, endless: bool) -> AsyncGenerator[bytes]:
        """Yield the governed stream. Raise a refusal before the first byte; a later one is an error event.

        An `endless` one has begun before its first event, which may take hours.
        """
        exchange, intake, began = passage.exchange, passage.intake, endless
        status, encoder = intake.response.status, intake.encoder()
        try:
            if exchange.asks_always:
                await self._ask_about_all(passage)
            async for events in passage.events():
                frames = [exchange.handed(encoder.encode(event)) for event in events]
                if intake.ended:  # the last events go out once the end is recorded
                    frames.append(exchange.handed(encoder.end()))
                    exchange.remember_signed(passage.parts())
                    said = replace(intake.completion, unknown=tuple(passage.unknown))
                    self._ledger.record_completion(exchange, status, said, passage.parts())
                for frame in filter(None, frames):
                    if exchange.ttft_ms < 0:
                        exchange.ttft_ms = exchange.elapsed_ms()
                    began = True
                    yield frame
        except Refusal as refusal:
            if not began:
                raise
            if endless and isinstance(refusal, UpstreamTimeout):  # silence is no fault of it
                self._ledger.record_completion(exchange, status, intake.completion, passage.parts())
                return
            last = exchange.handed(encoder.encode(refusal_event(exchange, refusal)) + encoder.end())
            self._ledger.record_refusal(exchange, refusal)
            yield last
        except (asyncio.CancelledError, GeneratorExit):
            self._ledger.record_break(exchange, "cancelled")
            raise
        finally:
            await intake.response.close()

    async def _ask(self, passage: Passage) -> None:
        """Ask about the completion so far; about all of it when policy wants it approved."""
        exchange, subject = passage.exchange, passage.subject()
        decision = await self._holder.decider.decide(exchange, subject)
        if exchange.enforced and decision.action == "require_approval":
            await self._ask_about_all(passage)
            return
        enforce(exchange, decision)
        passage.take(decision, subject.parts)

    async def _ask_about_all(self, passage: Passage) -> None:
        """Ask about the whole completion: approvers see all of what they approve."""
        exchange, intake = passage.exchange, passage.intake
        if _is_endless(exchange):
            why = "what comes on a stream without an end cannot wait for its end, nor for an approval"
            raise PolicyDenied(f"denied by the gateway: {why}", reasons=[])
        raw = await intake.drain()
        survey = Passage(exchange, intake.again(raw), self._inspector, None)
        async for _ in survey.events():
            pass
        subject = survey.subject()
        decision = await self._holder.judge_completion(exchange, subject, pack(intake.response, raw))
        passage.take(decision, subject.parts)
        passage.all_decided = True


def _is_endless(exchange: Exchange) -> bool:
    rpc = rpc_of(exchange.dialect)
    return rpc is not None and rpc.is_endless(exchange.received.body)


async def _chain(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for event in rest:
            yield event
    finally:
        await rest.aclose()
