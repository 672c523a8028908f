"""A completion that streams: scanned, decided, masked and restored as it flows; tool calls when complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace

from gateway.contract import CREDENTIAL_ENTITY, Decision, Mask
from gateway.dialects import (
    CallReady,
    ChannelEnd,
    Item,
    Malformed,
    OtherEvent,
    SseEvent,
    StreamReader,
    TextDelta,
    encode,
    error_document,
    error_event,
    put,
    serialize,
)
from gateway.errors import PolicyDenied, Refusal, UpstreamUnreadable
from gateway.exchange.answer_whole import always_asks, is_text, restores_much
from gateway.exchange.channel import Channel
from gateway.exchange.decide import Asking, Restored, Subject, enforce, masks_of
from gateway.exchange.event_texts import EventTexts
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import (
    Inspector,
    check_maskable,
    holds_value,
    mask_for,
    masked_document,
    masked_text,
)
from gateway.exchange.intake import Intake
from gateway.exchange.record import Ledger
from gateway.exchange.row import Row
from gateway.masking import Piece, apply_mask
from gateway.upstream import pack
from gateway.words import InspectedPart, Part, ResponseFacts, ToolCall, Usage

_MAX_CALLS = 128  # in one streamed completion: policy is asked again with each group of them


class StreamedCompletion:
    """Governs one stream. Use once: iterate `frames()`."""

    def __init__(
        self,
        exchange: Exchange,
        intake: Intake,
        new_reader: Callable[[], StreamReader],
        asking: Asking,
        inspector: Inspector,
        ledger: Ledger,
    ) -> None:
        self._exchange = exchange
        self._intake = intake
        self._new_reader = new_reader
        self._reader = new_reader()
        self._asking = asking
        self._inspector = inspector
        self._ledger = ledger
        self._row = Row(lambda: inspector.scanner(exchange), exchange.restorer.run(), self._piece)
        self._calls: list[tuple[ToolCall, Restored]] = []
        self._others: list[InspectedPart] = []  # tool calls, and findings outside text
        self._surveying = False
        self._all_decided = False
        self._decided: dict[str, Mask | None] = {}
        self._event_texts = EventTexts(exchange.restorer)

    async def frames(self) -> AsyncGenerator[bytes]:
        """The governed stream. A refusal before the first byte is raised; a later one is an error event."""
        began = False
        try:
            if always_asks(self._exchange):
                await self._ask_about_all(await self._intake.drain())
            async for events in self._governed():
                for event in events:
                    began = True
                    yield encode(event)
        except Refusal as refusal:
            if not began:
                raise
            self._ledger.refused(self._exchange, refusal)
            yield encode(refusal_event(self._exchange, refusal))
        except (asyncio.CancelledError, GeneratorExit):
            self._ledger.broken_off(self._exchange, "cancelled")
            raise
        finally:
            await self._intake.close()

    async def _ask_about_all(self, raw: bytes) -> None:
        """Ask about the whole completion: people approve what they see, so they see all of it."""
        exchange = self._exchange
        again = self._intake.again(raw)
        survey = StreamedCompletion(
            exchange, again, self._new_reader, self._asking, self._inspector, self._ledger
        )
        survey._surveying = True
        async for _ in survey._governed():
            pass
        subject = survey._subject()
        decision = await self._asking.judge(exchange, subject, pack(self._intake.response, raw))
        self._take(decision, subject.parts)
        self._all_decided = True

    async def _governed(self) -> AsyncIterator[list[SseEvent]]:
        """Each provider event as the events that may go out for it."""
        try:
            async for event in self._intake.events():
                yield await self._counted(self._reader.read(event))
            last = await self._counted(self._reader.close()) + await self._row.close()
        except Malformed as error:
            raise UpstreamUnreadable(f"the provider's stream cannot be read: {error}") from error
        if not self._surveying:
            completion = self._reader.completion()
            self._ledger.completed(self._exchange, self._intake.response.status, completion, self._parts())
        yield last

    async def _counted(self, items: Iterable[Item]) -> list[SseEvent]:
        """Take a step, and note the tokens that the provider has counted so far, also when it is refused."""
        try:
            return await self._step(items)
        finally:
            completion = self._reader.completion()
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
                    events += await self._row.text(item)
                case ChannelEnd():
                    events += await self._row.end(item)
                case CallReady():
                    calls.append(item)
                case OtherEvent():
                    events += await self._row.events([await self._frame(item)])
        events += await self._calls_out(calls)
        return events + (await self._row.close() if self._is_over() else [])

    async def _calls_out(self, calls: Sequence[CallReady]) -> list[SseEvent]:
        """Return what may go out for complete tool calls; policy sees all text first when none follows."""
        events = await self._row.close() if calls and self._is_over() else []
        return events + await self._row.events(await self._release(calls))

    def _is_over(self) -> bool:
        """Return whether no more text can come: the only choice there is has said why it ended."""
        return bool(self._reader.completion().finish_reason) and self._exchange.prompt.parameters.n <= 1

    async def _piece(self, channel: Channel, piece: Piece) -> str:
        """What goes out for a piece of text: itself, or what masks it."""
        if piece.finding is None:
            channel.passed(piece.text, piece.text)
            return piece.text
        span = piece.finding
        if self._exchange.vault.holds(piece.text):
            shown = self._exchange.vault.placeholder(span.entity, span.category, piece.text)
            channel.passed(piece.text, shown)
            return piece.text
        vault = self._exchange.response_vault
        finding = channel.found(span, piece.text)
        channel.passed(piece.text, vault.placeholder(span.entity, span.category, piece.text))
        mask = await self._mask(span.entity)
        return apply_mask(mask, finding, piece.text, vault) if mask else piece.text

    async def _mask(self, entity: str) -> Mask | None:
        """The mask for an entity; policy is asked before the first finding of it is released."""
        if entity not in self._decided and entity != CREDENTIAL_ENTITY:
            await self._ask()
        return mask_for(self._decided, entity)

    async def _release(self, items: Sequence[CallReady]) -> list[SseEvent]:
        """Complete tool calls that come together: inspected and decided as one, then masked and restored."""
        inspected = [await self._inspect_call(item) for item in items]
        if items and not self._all_decided:
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
        restorer = self._exchange.restorer
        carrying = [part.part.text for part in parts if part.part.pointer in item.call.pointers]
        restored = tuple(dict.fromkeys(pair for text in carrying for pair in restorer.restores(text)))
        self._others += parts
        self._calls.append((item.call, restored))
        if len(self._calls) > _MAX_CALLS:
            raise UpstreamUnreadable(f"the provider's answer has over {_MAX_CALLS} tool calls")
        return parts

    def _rewrite_call(self, item: CallReady, parts: Sequence[InspectedPart]) -> list[SseEvent]:
        exchange = self._exchange
        check_maskable(parts, self._decided)
        texts = {}
        for part in (part for part in parts if part.part.place in ("value", "number")):
            text = masked_text(part, self._decided, exchange.response_vault) or part.part.text
            if part.part.pointer in item.call.pointers:
                text = exchange.restorer.whole(text, json_escape=item.call.raw_json)
            texts[part.part.pointer] = text
        return item.events(texts)

    async def _frame(self, item: OtherEvent) -> SseEvent:
        """An event without text of its own; its other strings are looked at all the same."""
        parts = await self._inspector.completion(self._exchange, item.parts)
        self._others += [part for part in parts if holds_value(part)]
        found = [part for part in parts if part.findings]
        for finding in (finding for part in found for finding in part.findings):
            await self._mask(finding.entity)
        spoken = [part for part in parts if _is_spoken(self._exchange, part.part)]
        await self._refuse_joints(item, spoken)
        if self._surveying or not (found or spoken):
            return item.event
        vault = self._exchange.response_vault
        document = masked_document(item.document, found, self._decided, vault)
        for part in spoken:
            text = masked_text(part, self._decided, vault) or part.part.text
            restored = self._event_texts.restored(item, part.part.pointer, text)
            document = put(document, part.part.pointer, restored)
        return replace(item.event, data=serialize(document).decode())

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

    async def _ask(self) -> None:
        """Ask about the completion so far; when policy wants people to see it, about all of it."""
        if self._surveying:
            return
        exchange, subject = self._exchange, self._subject()
        decision = await self._asking.decide(exchange, subject)
        if exchange.enforced and decision.action == "require_approval":
            await self._ask_about_all(await self._intake.drain())
            return
        enforce(exchange, decision)
        self._take(decision, subject.parts)

    def _take(self, decision: Decision, parts: Iterable[InspectedPart]) -> None:
        """Take the decision's masks for every entity that it was asked about."""
        masks = masks_of(self._exchange, decision)
        for finding in (finding for part in parts for finding in part.findings):
            self._decided[finding.entity] = masks.get(finding.entity)

    def _subject(self) -> Subject:
        facts = ResponseFacts(self._intake.response.status, self._reader.completion().finish_reason)
        return Subject("response", self._parts(), self._calls, facts)

    def _parts(self) -> list[InspectedPart]:
        """The completion so far, as policy sees it."""
        texts = []
        for channel in self._row.channels.values():
            part = channel.part()
            texts.append(channel.inspected(part, self._inspector.digest(part)))
        return [*texts, *self._others]


def _is_spoken(exchange: Exchange, part: Part) -> bool:
    return part.place == "value" and part.text != "" and is_text(exchange, part)


def refusal_event(exchange: Exchange, refusal: Refusal) -> SseEvent:
    """The dialect's error event, with the code that the status line could no longer carry."""
    extra = {"decision_id": exchange.decision_id, **refusal.extra}
    return error_event(exchange.family, error_document(exchange.family, refusal.code, refusal.message, extra))
