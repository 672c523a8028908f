"""A completion that streams: scanned, decided, masked and restored as it flows; tool calls when complete."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.decision import Decision, Mask
from gateway.dialects import (
    CallReady,
    ChannelEnd,
    Frame,
    Item,
    Malformed,
    StreamReader,
    TextDelta,
    error_document,
    error_event,
)
from gateway.dialects.document import put, serialise
from gateway.dialects.sse import SseDecoder, SseEvent, encode
from gateway.errors import PolicyDenied, Refusal, UpstreamUnreadable
from gateway.exchange import Finding, InspectedPart, Part, ResponseFacts, ToolCall
from gateway.flow.asking import Asking, Restored, Subject, enforce, masks_of
from gateway.flow.context import Exchange
from gateway.flow.event_texts import EventTexts
from gateway.flow.inspecting import (
    Inspector,
    check_maskable,
    holds_value,
    mask_for,
    masked_document,
    masked_text,
)
from gateway.flow.ledger import Ledger
from gateway.flow.whole import always_asks, collect, is_text, restores_much
from gateway.guards import CREDENTIAL_ENTITY
from gateway.masking import Piece, StreamRestorer, StreamScanner, apply_mask
from gateway.upstream import ReplayedResponse, UpstreamResponse, pack

_MAX_CALLS = 128  # in one streamed completion: policy is asked again with each group of them
# Characters that are scanned, and restored, without a break: where every word may begin a number or an IBAN a
# character costs half a millisecond.
_SLICE, _RESTORED_SLICE = 16, 1024


@dataclass(slots=True)
class _Channel:
    """One run of text in the stream (say, the content of choice 0) and what of it has been decided."""

    part: Part
    scanner: StreamScanner
    restorer: StreamRestorer
    raw: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # as policy and the record see it
    findings: list[Finding] = field(default_factory=list)
    length: int = 0  # characters of the raw text so far


class StreamedCompletion:
    """Governs one stream. Use once: iterate `frames()`."""

    def __init__(
        self,
        exchange: Exchange,
        response: UpstreamResponse,
        new_reader: Callable[[], StreamReader],
        asking: Asking,
        inspector: Inspector,
        ledger: Ledger,
        limit: int,
    ) -> None:
        self._exchange = exchange
        self._response = response
        self._chunks = response.chunks()
        self._new_reader = new_reader
        self._reader = new_reader()
        self._asking = asking
        self._inspector = inspector
        self._ledger = ledger
        self._limit = limit
        self._raw = bytearray()
        self._backlog: deque[bytes] = deque()
        self._channels: dict[str, _Channel] = {}
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
                await self._ask_ahead()
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
            await self._response.close()

    async def _ask_ahead(self) -> None:
        """Read the whole stream, ask once, then let it flow with everything decided."""
        raw = await collect(self._response, self._limit)
        self._response = self._again(raw)
        self._chunks = self._response.chunks()
        await self._ask_about_all(raw)

    async def _ask_about_all(self, raw: bytes) -> None:
        """Ask about the whole completion: people approve what they see, so they see all of it."""
        exchange = self._exchange
        survey = StreamedCompletion(
            exchange,
            self._again(raw),
            self._new_reader,
            self._asking,
            self._inspector,
            self._ledger,
            self._limit,
        )
        survey._surveying = True
        async for _ in survey._governed():
            pass
        subject = survey._subject()
        decision = await self._asking.judge(exchange, subject, pack(self._response, raw))
        self._take(decision, subject.parts)
        self._all_decided = True

    def _again(self, raw: bytes) -> ReplayedResponse:
        return ReplayedResponse(self._response.status, self._response.headers, raw)

    async def _governed(self) -> AsyncIterator[list[SseEvent]]:
        """Each provider event as the events that may go out for it."""
        try:
            async for event in self._events():
                yield await self._step(self._reader.read(event))
            last = await self._step(self._reader.close())
        except Malformed as error:
            raise UpstreamUnreadable(f"the provider's stream cannot be read: {error}") from error
        if not self._surveying:
            completion = self._reader.completion()
            self._ledger.completed(self._exchange, self._response.status, completion, self._parts())
        yield last

    async def _events(self) -> AsyncIterator[SseEvent]:
        decoder = SseDecoder(self._limit)
        while (chunk := await self._next_chunk()) is not None:
            for event in decoder.feed(chunk):
                yield event
        # an event that was cut off is none (WHATWG); whether the completion is whole, the reader knows

    async def _next_chunk(self) -> bytes | None:
        if self._backlog:
            return self._backlog.popleft()
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._raw += chunk
            if len(self._raw) > self._limit:
                raise UpstreamUnreadable(f"the provider's stream is over {self._limit} bytes")
        return chunk

    async def _drain(self) -> bytes:
        """The provider's whole stream; what was not read yet is kept for after the hold."""
        waiting, self._backlog = self._backlog, deque()
        while (chunk := await self._next_chunk()) is not None:
            waiting.append(chunk)
        self._backlog = waiting
        return bytes(self._raw)

    async def _step(self, items: Iterable[Item]) -> list[SseEvent]:
        events: list[SseEvent] = []
        calls: list[CallReady] = []
        for item in items:
            if not isinstance(item, CallReady) and calls:
                events += await self._release(calls)
                calls = []
            match item:
                case TextDelta():
                    events += await self._text(item, item.part.text, last=False)
                case ChannelEnd():
                    events += await self._text(item, "", last=True)
                case CallReady():
                    calls.append(item)
                case Frame():
                    events.append(await self._frame(item))
        return events + await self._release(calls)

    async def _text(self, item: TextDelta | ChannelEnd, delta: str, *, last: bool) -> list[SseEvent]:
        channel = self._channel(item.channel, item.part)
        pieces = channel.scanner.close() if last else await _scan(channel.scanner, delta)
        masked = "".join([await self._piece(channel, piece) for piece in pieces])
        text = await _restored(channel.restorer, masked)
        if last:
            text += channel.restorer.close()
        return [item.frame(text)] if text else []

    def _channel(self, name: str, part: Part) -> _Channel:
        if name not in self._channels:
            scanner = self._inspector.scanner(self._exchange)
            self._channels[name] = _Channel(part, scanner, self._exchange.restorer.stream())
        return self._channels[name]

    async def _piece(self, channel: _Channel, piece: Piece) -> str:
        """What goes out for a piece of text: itself, or what masks it."""
        start = channel.length
        channel.raw.append(piece.text)
        channel.length += len(piece.text)
        if piece.finding is None:
            channel.shown.append(piece.text)
            return piece.text
        span = piece.finding
        if self._exchange.vault.holds(piece.text):
            channel.shown.append(self._exchange.vault.placeholder(span.entity, span.category, piece.text))
            return piece.text
        finding = Finding(span.entity, span.category, span.score, channel.part.pointer, start, channel.length)
        vault = self._exchange.response_vault
        channel.findings.append(finding)
        channel.shown.append(vault.placeholder(span.entity, span.category, piece.text))
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
        return item.frames(texts)

    async def _frame(self, item: Frame) -> SseEvent:
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
        return replace(item.event, data=serialise(document).decode())

    async def _refuse_joints(self, item: Frame, spoken: Sequence[InspectedPart]) -> None:
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
            await self._ask_about_all(await self._drain())
            return
        enforce(exchange, decision)
        self._take(decision, subject.parts)

    def _take(self, decision: Decision, parts: Iterable[InspectedPart]) -> None:
        """Take the decision's masks for every entity that it was asked about."""
        masks = masks_of(self._exchange, decision)
        for finding in (finding for part in parts for finding in part.findings):
            self._decided[finding.entity] = masks.get(finding.entity)

    def _subject(self) -> Subject:
        facts = ResponseFacts(self._response.status, self._reader.completion().finish_reason)
        return Subject("response", self._parts(), self._calls, facts)

    def _parts(self) -> list[InspectedPart]:
        """The completion so far, as policy sees it."""
        texts = []
        for channel in self._channels.values():
            raw = "".join(channel.raw)
            part = replace(channel.part, text=raw)
            digest = self._inspector.digest(part)
            texts.append(InspectedPart(part, digest, True, tuple(channel.findings), "".join(channel.shown)))
        return [*texts, *self._others]


def _is_spoken(exchange: Exchange, part: Part) -> bool:
    return part.place == "value" and part.text != "" and is_text(exchange, part)


async def _scan(scanner: StreamScanner, delta: str) -> list[Piece]:
    """The pieces of a delta, in slices: neither a large one nor a fast provider makes others wait."""
    pieces: list[Piece] = []
    for start in range(0, len(delta), _SLICE):
        pieces += scanner.feed(delta[start : start + _SLICE])
        await asyncio.sleep(0)
    return pieces


async def _restored(restorer: StreamRestorer, text: str) -> str:
    """What can go out of a masked text, in slices as well."""
    if len(text) <= _RESTORED_SLICE:
        return restorer.feed(text)
    restored = []
    for start in range(0, len(text), _RESTORED_SLICE):
        restored.append(restorer.feed(text[start : start + _RESTORED_SLICE]))
        await asyncio.sleep(0)
    return "".join(restored)


def refusal_event(exchange: Exchange, refusal: Refusal) -> SseEvent:
    """The dialect's error event, with the code that the status line could no longer carry."""
    extra = {"decision_id": exchange.decision_id, **refusal.extra}
    return error_event(exchange.family, error_document(exchange.family, refusal.code, refusal.message, extra))
