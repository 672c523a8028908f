"""One pass over a streamed completion, from the items that come in to the events that may go out.

Each text is held until what is in it is settled. It is masked, once policy has answered about what was found,
and restored. Everything goes out in the order in which it came, tool calls when they are complete.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from gateway.contract import CREDENTIAL_ENTITY, Decision, Mask
from gateway.dialects import CallReady, Item, OtherEvent, SseEvent, put, serialize
from gateway.errors import PolicyDenied, UpstreamUnreadable
from gateway.exchange.decide import Subject
from gateway.exchange.exchange import Exchange, Restored
from gateway.exchange.inspect import Inspector
from gateway.exchange.intake import Intake
from gateway.exchange.mask import (
    check_maskable,
    holds_value,
    is_text,
    mask_body,
    mask_for,
    masked_text,
    masks_of,
    restored_by,
    restores_much,
    run,
)
from gateway.exchange.stream_texts import Channel, EventTexts, Settled, TextRow
from gateway.masking import Piece, RunRestorer, StreamScanner, apply_mask
from gateway.words import InspectedPart, Part, ResponseFacts, ToolCall, Usage

_MAX_CALLS = 128  # in one streamed completion: policy is asked again with each group of them
_RESTORED = 1024  # characters that are restored without a break


class Passage:
    """One pass over a stream. Use once: iterate `events()`.

    `ask` is awaited where a decision is due; it adds to `masks`. Without it the pass is a survey: it collects
    what policy is asked about, and its events go nowhere.
    """

    def __init__(
        self,
        exchange: Exchange,
        intake: Intake,
        inspector: Inspector,
        ask: Callable[[Passage], Awaitable[None]] | None,
    ) -> None:
        self.exchange = exchange
        self.intake = intake
        self.masks: dict[str, Mask | None] = {}  # of every entity that was decided
        self.all_decided = False
        self._inspector = inspector
        self._ask = ask
        secret = exchange.upstream.secret
        self._row = TextRow(lambda: StreamScanner(inspector.detector, secret=secret))
        self._outlet = Outlet(RunRestorer(exchange.restorer))
        self._calls: list[tuple[ToolCall, Restored]] = []
        self._others: list[InspectedPart] = []  # tool calls, and findings outside text
        self._event_texts = EventTexts(exchange.restorer)

    async def events(self) -> AsyncIterator[list[SseEvent]]:
        """Yield the events that may go out after each of the provider's, and at last all that are left."""
        async for items in self.intake.items():
            try:
                events = await self._step(items)
            finally:  # the tokens that the provider has counted so far count, also when it is refused
                completion = self.intake.completion
                if completion.usage != Usage():
                    self.exchange.completion = completion
            yield events + (await self._rest() if self.intake.ended else [])

    def subject(self) -> Subject:
        """Return the completion so far, to ask policy about."""
        facts = ResponseFacts(self.intake.response.status, self.intake.completion.finish_reason)
        return Subject("response", self.parts(), self._calls, facts)

    def parts(self) -> list[InspectedPart]:
        """Return the completion so far, as policy sees it."""
        texts = [channel.inspected(self._inspector.digest) for channel in self._row.channels.values()]
        return [*texts, *self._others]

    def take(self, decision: Decision, parts: Iterable[InspectedPart]) -> None:
        """Take the decision's masks for every entity that it was asked about."""
        masks = masks_of(decision, enforced=self.exchange.enforced)
        for finding in (finding for part in parts for finding in part.findings):
            self.masks[finding.entity] = masks.get(finding.entity)

    async def _step(self, items: Iterable[Item]) -> list[SseEvent]:
        events: list[SseEvent] = []
        calls: list[CallReady] = []
        for item in items:
            if isinstance(item, CallReady):
                calls.append(item)
                continue
            events += await self._calls_out(calls)
            calls = []
            if isinstance(item, OtherEvent):
                events += await self._out(await self._row.take(await self._other_event(item)))
            else:
                self._outlet.reshape[item.channel] = item.reshape
                events += await self._out(await self._row.take(item))
        events += await self._calls_out(calls)
        return events + (await self._rest() if self._is_over() else [])

    async def _out(self, settled: Iterable[Settled | SseEvent]) -> list[SseEvent]:
        """Return the events that may go out: settled texts, masked and restored, and what stands between."""
        events: list[SseEvent] = []
        for one in settled:
            if isinstance(one, SseEvent):
                events += self._outlet.add_event(one)
                continue
            name, pieces = one.channel.name, list(one.channel.marked(one.pieces))
            masked = "".join([await self._masked(one.channel, piece) for piece in pieces])
            events += await self._outlet.add_text(name, masked) if masked else []
            if one.ends:
                self._outlet.ended.add(name)
        return events

    async def _rest(self) -> list[SseEvent]:
        """Return everything that is left: no text follows."""
        return [*await self._out(self._row.flush()), *self._outlet.close()]

    def _is_over(self) -> bool:
        """Return whether no more text can come: the only choice there is has said why it ended."""
        return bool(self.intake.completion.finish_reason) and self.exchange.prompt.parameters.n <= 1

    async def _masked(self, channel: Channel, piece: Piece) -> str:
        """Return what goes out for a piece of text: itself, or what masks it."""
        found, text = piece.finding, piece.text
        if found is None:
            channel.add(text, text)
            return text
        own = self.exchange.vault
        if own.holds(text):
            channel.add(text, own.placeholder(found.entity, found.category, text))
            return text
        vault = self.exchange.response_vault
        channel.add(text, vault.placeholder(found.entity, found.category, text), found)
        mask = await self._mask(found.entity)
        return apply_mask(mask, found, text, vault) if mask else text

    async def _mask(self, entity: str) -> Mask | None:
        """Return the mask for an entity; policy is asked before the first finding of it is released."""
        if self._ask and entity not in self.masks and entity != CREDENTIAL_ENTITY:
            await self._ask(self)
        return mask_for(self.masks, entity)

    async def _calls_out(self, calls: Sequence[CallReady]) -> list[SseEvent]:
        """Return what may go out for complete tool calls that come together.

        Policy is asked about them as one; it sees all text first when none follows.
        """
        if not calls:
            return []
        events = await self._rest() if self._is_over() else []
        inspected = [await self._inspect_call(call) for call in calls]
        if self._ask and not self.all_decided:
            await self._ask(self)
        for call, parts in zip(calls, inspected, strict=True):
            for event in await run(restores_much(self.exchange, parts), self._rewrite_call, call, parts):
                events += await self._out(await self._row.take(event))
        return events

    async def _inspect_call(self, item: CallReady) -> tuple[InspectedPart, ...]:
        parts = await self._inspector.completion(self.exchange, item.parts)
        self._others += parts
        self._calls.append((item.call, restored_by(item.call, parts, self.exchange.restorer)))
        if len(self._calls) > _MAX_CALLS:
            raise UpstreamUnreadable(f"the provider's answer has over {_MAX_CALLS} tool calls")
        return parts

    def _rewrite_call(self, item: CallReady, parts: Sequence[InspectedPart]) -> list[SseEvent]:
        exchange = self.exchange
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
        parts = await self._inspector.completion(self.exchange, item.parts)
        self._others += [part for part in parts if holds_value(part)]
        found = [part for part in parts if part.findings]
        for finding in (finding for part in found for finding in part.findings):
            await self._mask(finding.entity)
        spoken = [part for part in parts if _is_spoken(self.exchange, part.part)]
        await self._refuse_joints(item, spoken)
        if self._ask is None or not (found or spoken):
            return item.event
        vault = self.exchange.response_vault
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
        joined = await self._inspector.completion(self.exchange, [part for _, part in joints])
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


@dataclass(slots=True)
class Outlet:
    """Restores the row of texts, and keeps events behind the text that the restorer holds."""

    restorer: RunRestorer
    reshape: dict[str, Callable[[str], SseEvent]] = field(default_factory=dict)  # by the text's name
    ended: set[str] = field(default_factory=set)  # the texts of which no more comes
    _behind: deque[tuple[str, SseEvent]] = field(default_factory=deque)  # whose text an event follows

    async def add_text(self, owner: str, masked: str) -> list[SseEvent]:
        """Return what may go out now, restored in slices between which others have their turn."""
        pieces: list[tuple[str, str]] = []
        for start in range(0, len(masked), _RESTORED):
            if start:
                await asyncio.sleep(0)
            pieces += self.restorer.feed(masked[start : start + _RESTORED], owner)
        return list(self._ordered(pieces))

    def add_event(self, event: SseEvent) -> list[SseEvent]:
        """Return the event, unless a text that is over is held before it."""
        holding = self._behind[-1][0] if self._behind else self.restorer.holding
        if holding is None or holding not in self.ended:
            return [event]
        self._behind.append((holding, event))
        return []

    def close(self) -> list[SseEvent]:
        """Return everything that is held."""
        return list(self._ordered(self.restorer.close()))

    def _ordered(self, pieces: Iterable[tuple[str, str]]) -> Iterator[SseEvent]:
        for owner, group in groupby(pieces, key=lambda piece: piece[0]):
            yield from self._before(owner)
            if text := "".join(text for _, text in group):
                yield self.reshape[owner](text)
        yield from self._before(self.restorer.holding)

    def _before(self, owner: str | None) -> Iterator[SseEvent]:
        while self._behind and self._behind[0][0] != owner:
            yield self._behind.popleft()[1]
