"""A completion that streams: scanned, decided, masked and restored as it flows; tool calls when complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from gateway.contract import CREDENTIAL_ENTITY, Decision, Mask
from gateway.dialects import (
    CallReady,
    ChannelEnd,
    Item,
    OtherEvent,
    SseEvent,
    TextDelta,
    put,
    serialize,
)
from gateway.errors import PolicyDenied, Refusal, UpstreamUnreadable
from gateway.exchange.answer_whole import always_asks, is_text, restored_by, restores_much
from gateway.exchange.decide import Restored, Subject, enforce
from gateway.exchange.exchange import Exchange
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import Inspector
from gateway.exchange.intake import Intake
from gateway.exchange.mask import check_maskable, holds_value, mask_body, mask_for, masked_text, masks_of
from gateway.exchange.record import Ledger
from gateway.exchange.refuse import refusal_event
from gateway.exchange.stream_texts import Channel, EventTexts, TextRow
from gateway.masking import Piece, apply_mask
from gateway.upstream import pack
from gateway.words import InspectedPart, Part, ResponseFacts, ToolCall, Usage

_MAX_CALLS = 128  # in one streamed completion: policy is asked again with each group of them


class StreamedCompletion:
    """Governs one stream. Use once: iterate `events()`."""

    def __init__(
        self, exchange: Exchange, intake: Intake, inspector: Inspector, holder: Holder, ledger: Ledger
    ) -> None:
        self._exchange = exchange
        self._intake = intake
        self._inspector = inspector
        self._holder = holder
        self._ledger = ledger
        self._passage = Passage(exchange, intake, inspector, self._ask)

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield the governed stream. Raise a refusal before the first byte; a later one is an error event."""
        began = False
        encoder = self._intake.encoder()
        try:
            if always_asks(self._exchange):
                await self._ask_about_all()
            async for events in self._governed():
                for event in events:
                    began = True
                    yield encoder.encode(event)
            if end := encoder.end():
                yield end
        except Refusal as refusal:
            if not began:
                raise
            self._ledger.record_refusal(self._exchange, refusal)
            yield encoder.encode(refusal_event(self._exchange, refusal)) + encoder.end()
        except (asyncio.CancelledError, GeneratorExit):
            self._ledger.record_break(self._exchange, "cancelled")
            raise
        finally:
            await self._intake.response.close()

    async def _governed(self) -> AsyncIterator[list[SseEvent]]:
        """Yield the events that may go out for each of the provider's; the last once the end is recorded."""
        passage = self._passage
        async for events in passage.events():
            yield events
        last = await passage.close()
        completion, status = self._intake.completion, self._intake.response.status
        self._ledger.record_completion(self._exchange, status, completion, passage.parts())
        yield last

    async def _ask(self) -> None:
        """Ask about the completion so far; about all of it when policy wants it approved."""
        exchange, subject = self._exchange, self._passage.subject()
        decision = await self._holder.decider.decide(exchange, subject)
        if exchange.enforced and decision.action == "require_approval":
            await self._ask_about_all()
            return
        enforce(exchange, decision)
        self._take(decision, subject.parts)

    async def _ask_about_all(self) -> None:
        """Ask about the whole completion: approvers see all of what they approve."""
        raw = await self._intake.drain()
        survey = Passage(self._exchange, self._intake.again(raw), self._inspector, None)
        async for _ in survey.events():
            pass
        await survey.close()
        subject = survey.subject()
        completion = pack(self._intake.response, raw)
        decision = await self._holder.judge_completion(self._exchange, subject, completion)
        self._take(decision, subject.parts)
        self._passage.all_decided = True

    def _take(self, decision: Decision, parts: Iterable[InspectedPart]) -> None:
        """Take the decision's masks for every entity that it was asked about."""
        masks = masks_of(decision, enforced=self._exchange.enforced)
        for finding in (finding for part in parts for finding in part.findings):
            self._passage.masks[finding.entity] = masks.get(finding.entity)


class Passage:
    """One pass over a stream, from its items to the events that may go out.

    `ask` is awaited where a decision is due; it adds to `masks`. Without it the pass is a survey: it collects
    what policy is asked about, and its events go nowhere.
    """

    def __init__(
        self,
        exchange: Exchange,
        intake: Intake,
        inspector: Inspector,
        ask: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.masks: dict[str, Mask | None] = {}  # of every entity that was decided
        self.all_decided = False
        self._exchange = exchange
        self._intake = intake
        self._inspector = inspector
        self._ask = ask
        self._row = TextRow(lambda: inspector.scanner(exchange), exchange.restorer.run(), self._piece)
        self._calls: list[tuple[ToolCall, Restored]] = []
        self._others: list[InspectedPart] = []  # tool calls, and findings outside text
        self._event_texts = EventTexts(exchange.restorer)

    async def events(self) -> AsyncIterator[list[SseEvent]]:
        """Yield the events that may go out after each of the provider's."""
        async for items in self._intake.items():
            yield await self._counted(items)

    async def close(self) -> list[SseEvent]:
        """Return the events that are left once the provider's stream has ended."""
        return await self._counted(self._intake.last_items()) + await self._row.close()

    def subject(self) -> Subject:
        """Return the completion so far, to ask policy about."""
        facts = ResponseFacts(self._intake.response.status, self._intake.completion.finish_reason)
        return Subject("response", self.parts(), self._calls, facts)

    def parts(self) -> list[InspectedPart]:
        """Return the completion so far, as policy sees it."""
        texts = []
        for channel in self._row.channels.values():
            part = channel.part()
            texts.append(channel.inspected(part, self._inspector.digest(part)))
        return [*texts, *self._others]

    async def _counted(self, items: Iterable[Item]) -> list[SseEvent]:
        """Take a step, and note the tokens that the provider has counted so far, also when it is refused."""
        try:
            return await self._step(items)
        finally:
            completion = self._intake.completion
            if completion.usage != Usage():
                self._exchange.completion = completion

    async def _step(self, items: Iterable[Item]) -> list[SseEvent]:
        events: list[SseEvent] = []
        calls: list[CallReady] = []
        for item in items:
            if not isinstance(item, CallReady) and calls:
                events += await self._calls_out(calls)
                calls = []
            match item:
                case TextDelta():
                    events += await self._row.add_text(item)
                case ChannelEnd():
                    events += await self._row.end(item)
                case CallReady():
                    calls.append(item)
                case OtherEvent():
                    events += await self._row.add_events([await self._other_event(item)])
        events += await self._calls_out(calls)
        return events + (await self._row.close() if self._is_over() else [])

    async def _calls_out(self, calls: Sequence[CallReady]) -> list[SseEvent]:
        """Return what may go out for complete tool calls; policy sees all text first when none follows."""
        events = await self._row.close() if calls and self._is_over() else []
        return events + await self._row.add_events(await self._release(calls))

    def _is_over(self) -> bool:
        """Return whether no more text can come: the only choice there is has said why it ended."""
        return bool(self._intake.completion.finish_reason) and self._exchange.prompt.parameters.n <= 1

    async def _piece(self, channel: Channel, piece: Piece) -> str:
        """Return what goes out for a piece of text: itself, or what masks it."""
        if piece.finding is None:
            channel.add_text(piece.text, piece.text)
            return piece.text
        span, vault = piece.finding, self._exchange.vault
        if vault.holds(piece.text):
            channel.add_text(piece.text, vault.placeholder(span.entity, span.category, piece.text))
            return piece.text
        vault = self._exchange.response_vault
        finding = channel.add_finding(span, piece.text)
        channel.add_text(piece.text, vault.placeholder(span.entity, span.category, piece.text))
        mask = await self._mask(span.entity)
        return apply_mask(mask, finding, piece.text, vault) if mask else piece.text

    async def _mask(self, entity: str) -> Mask | None:
        """Return the mask for an entity; policy is asked before the first finding of it is released."""
        if self._ask and entity not in self.masks and entity != CREDENTIAL_ENTITY:
            await self._ask()
        return mask_for(self.masks, entity)

    async def _release(self, items: Sequence[CallReady]) -> list[SseEvent]:
        """Inspect complete tool calls that come together, ask about them as one, then mask and restore."""
        inspected = [await self._inspect_call(item) for item in items]
        if self._ask and items and not self.all_decided:
            await self._ask()
        events: list[SseEvent] = []
        for item, parts in zip(items, inspected, strict=True):
            if restores_much(self._exchange, parts):
                events += await asyncio.to_thread(self._rewrite_call, item, parts)
            else:
                events += self._rewrite_call(item, parts)
        return events

    async def _inspect_call(self, item: CallReady) -> tuple[InspectedPart, ...]:
        parts = await self._inspector.completion(self._exchange, item.parts)
        self._others += parts
        self._calls.append((item.call, restored_by(item.call, parts, self._exchange.restorer)))
        if len(self._calls) > _MAX_CALLS:
            raise UpstreamUnreadable(f"the provider's answer has over {_MAX_CALLS} tool calls")
        return parts

    def _rewrite_call(self, item: CallReady, parts: Sequence[InspectedPart]) -> list[SseEvent]:
        exchange = self._exchange
        check_maskable(parts, self.masks)
        texts = {}
        for part in (part for part in parts if part.part.place in ("value", "number")):
            text = masked_text(part, self.masks, exchange.response_vault) or part.part.text
            if part.part.pointer in item.call.pointers:
                text = exchange.restorer.whole(text, json_escape=item.call.raw_json)
            texts[part.part.pointer] = text
        return item.events(texts)

    async def _other_event(self, item: OtherEvent) -> SseEvent:
        """Return an event without text of its own; its other strings are looked at all the same."""
        parts = await self._inspector.completion(self._exchange, item.parts)
        self._others += [part for part in parts if holds_value(part)]
        found = [part for part in parts if part.findings]
        for finding in (finding for part in found for finding in part.findings):
            await self._mask(finding.entity)
        spoken = [part for part in parts if _is_spoken(self._exchange, part.part)]
        await self._refuse_joints(item, spoken)
        if self._ask is None or not (found or spoken):
            return item.event
        vault = self._exchange.response_vault
        body = mask_body(item.document, found, self.masks, vault)
        for part in spoken:
            text = masked_text(part, self.masks, vault) or part.part.text
            body = put(body, part.part.pointer, self._event_texts.restored(item, part.part.pointer, text))
        return replace(item.event, data=serialize(body).decode())

    async def _refuse_joints(self, item: OtherEvent, spoken: Sequence[InspectedPart]) -> None:
        """Refuse what is found only where a text goes on from one of an earlier event.

        Its beginning has gone out: what stands here cannot be masked any more.
        """
        joints = self._event_texts.joints(item, [part.part for part in spoken])
        joined = await self._inspector.completion(self._exchange, [part for _, part in joints])
        for (at, _), part in zip(joints, joined, strict=True):
            across = tuple(finding for finding in part.findings if finding.start < at < finding.end)
            if across:
                self._others.append(replace(part, findings=across))
            for finding in across:
                if await self._mask(finding.entity):
                    why = f"{finding.entity} in pieces of a stream cannot be masked"
                    raise PolicyDenied(f"denied by the gateway: {why}", reasons=[])


def _is_spoken(exchange: Exchange, part: Part) -> bool:
    return part.place == "value" and part.text != "" and is_text(exchange, part)
