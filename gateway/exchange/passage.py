"""One pass over a streamed completion, from the items that come in to the events that may go out.

Each text is held until what is in it is settled. It is masked, once policy has answered about what was found,
and restored. Everything goes out in the order in which it came, tool calls when they are complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.contract import CREDENTIAL_ENTITY, Decision, Mask, MaskPlace, mask_place
from gateway.dialects import CallReady, ChannelEnd, Item, OtherEvent, SseEvent, TextDelta, serialize
from gateway.errors import PolicyDenied, UpstreamUnreadable
from gateway.exchange.counting import heard_tokens, said_characters
from gateway.exchange.decide import Subject
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector, is_guess
from gateway.exchange.intake import Intake
from gateway.exchange.mask import (
    Rewriting,
    check_maskable,
    holds_value,
    is_text,
    mask_for,
    masked_text,
    masks_of,
    restored_by,
    restores_much,
    run,
)
from gateway.exchange.outlet import Outlet
from gateway.exchange.repeats import Outgoing, Repeating
from gateway.exchange.seals import keep_back
from gateway.exchange.steps import Restored
from gateway.exchange.stream_texts import Channel, EventTexts, Settled, TextRow
from gateway.exchange.token_row import TokenRow
from gateway.masking import Piece, RunRestorer, StreamScanner, Vault, Where, apply_mask
from gateway.words import Finding, InspectedPart, Kind, Match, Part, ResponseFacts, Tool, ToolCall, Usage

_MOST_UNKNOWN = 100  # types that are named
_MAX_CALLS = 128  # in one streamed completion: policy is asked again with each group of them


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
        self.masks: dict[str, Sequence[Mask]] = {}  # of every entity that was decided
        self._asked: dict[tuple[str, MaskPlace], float] = {}  # and in which places, up to which score
        self.all_decided = False
        self.unknown: dict[str, None] = {}  # types of what the dialect does not know
        self._inspector = inspector
        self._ask = ask
        secret = exchange.secret
        self._new_scanner = partial(StreamScanner, inspector.detector, secret=secret)
        self._row = TextRow(self._new_scanner)
        self._signed: dict[str, Channel] = {}  # texts that no word may be changed in
        self._withheld: set[str] = set()  # those of which not all went out
        self._outlet = Outlet(RunRestorer(exchange.restorer))
        self._tokens = TokenRow(self._outlet.sent, partial(inspector.completion, exchange))
        self._calls: list[tuple[ToolCall, Restored]] = []
        self._others: list[InspectedPart] = []  # tool calls, and findings outside text
        self._tools: list[Tool] = []
        self._event_texts = EventTexts(exchange.restorer)
        self._characters = self._events = 0  # that came

    async def events(self) -> AsyncIterator[list[SseEvent]]:
        """Yield the events that may go out after each of the provider's, and at last all that are left."""
        began = False
        async for items in self.intake.items():
            if items and isinstance(items[0], OtherEvent) and items[0].event.comment:
                # before the first event one would settle the status of HTTP
                yield [items[0].event] if began else []
                continue
            self._note_heard(items)
            events = await self._step(items)
            began |= bool(events)
            yield events + (await self._rest() if self.intake.ended else [])

    def subject(self) -> Subject:
        """Return the completion so far, to ask policy about."""
        facts = ResponseFacts(self.intake.response.status, self.intake.completion.finish_reason)
        return Subject("response", self.parts(), self._calls, facts, self._tools, tuple(self.unknown))

    def parts(self) -> list[InspectedPart]:
        """Return the completion so far, as policy sees it."""
        channels = [*self._row.channels.values(), *self._signed.values()]
        texts = [channel.inspected(self._inspector.digest) for channel in channels]
        return [*texts, *self._others]

    def take(self, decision: Decision, parts: Iterable[InspectedPart]) -> None:
        """Take the decision's masks for every entity that it was asked about."""
        masks = masks_of(decision, enforced=self.exchange.enforced)
        for kind, finding in ((part.part.kind, finding) for part in parts for finding in part.findings):
            self.masks[finding.entity] = masks.get(finding.entity, ())
            self._note(finding, kind)

    def _note_heard(self, items: Iterable[Item]) -> None:
        """Let the exchange know what has come and was counted: it may be refused, or its client may leave."""
        if self.intake.completion.usage != Usage():
            self.exchange.completion = self.intake.completion
        self._events += 1
        for item in items:
            if isinstance(item, TextDelta):
                self._characters += len(item.part.text)
            elif isinstance(item, CallReady):
                self._characters += said_characters(item.parts)
        heard = heard_tokens(self._characters, self._events)
        self.exchange.heard = max(self.exchange.heard, heard)  # a survey may have been further

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
                events += await self._pass(await self._other_event(item))
            elif item.part.kind == "signed":
                if words := await self._signed_words(item):
                    self._outlet.sent.add(item.channel, words)
                    events += await self._pass(item.reshape(words))
            else:
                self._outlet.reshape[item.channel] = item.reshape
                if isinstance(item, TextDelta):
                    await self._tokens.take(item)
                events += await self._out(await self._row.take(item))
        events += await self._calls_out(calls)
        return events + (await self._rest() if self._is_over() else [])

    async def _pass(self, event: Outgoing) -> list[SseEvent]:
        """Return what may go out now that this event has come, which holds no text of the row."""
        return await self._out(await self._row.take(event))

    async def _signed_words(self, item: TextDelta | ChannelEnd) -> str:
        """Return what goes out of a text under a signature: its own words, or from some word on none."""
        name = item.channel
        channel = self._signed.setdefault(name, Channel(name, item.part, self._new_scanner()))
        ends = isinstance(item, ChannelEnd)
        pieces = channel.last_pieces() if ends else await channel.scan(item.part.text)
        words = ""
        for piece in pieces:
            found = None if piece.finding and is_guess(piece.finding) else piece.finding
            if await self._mask_of(channel, piece.text, found):
                self._withheld.add(name)
            words += "" if name in self._withheld else piece.text
        return words

    async def _out(self, settled: Iterable[Settled | Outgoing]) -> list[SseEvent]:
        """Return the events that may go out: settled texts, masked and restored, and what stands between."""
        events: list[SseEvent] = []
        for one in settled:
            if isinstance(one, Outgoing):
                events += self._outlet.add_event(one)
                continue
            name, masked = one.channel.name, ""
            for piece in list(one.channel.marked(one.pieces)):
                masked += await self._masked(one.channel, piece)
                await asyncio.sleep(0)
            masked += one.channel.json.close() if one.ends else ""
            events += await self._outlet.add_text(name, masked) if masked else []
            if one.ends:
                self._outlet.ended.add(name)
            for event in self._tokens.settled(name, one.channel.length):
                events += self._outlet.add_event(event)
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
        mask = await self._mask_of(channel, text, found)
        if found is None or mask is None:
            return channel.json.plain(text)
        self._tokens.hide(channel.name, channel.length - len(text), channel.length)
        return channel.json.masked(text, partial(_masked_piece, mask, found, self.exchange.response_vault))

    async def _mask_of(self, channel: Channel, text: str, found: Match | None) -> Mask | None:
        """Add a piece to its channel and return the mask for it. A value of the prompt itself has none."""
        if found is None:
            channel.add(text, text)
            return None
        is_own = self.exchange.vault.holds(text)
        vault = self.exchange.vault if is_own else self.exchange.response_vault
        channel.add(text, vault.placeholder(found.entity, found.category, text), None if is_own else found)
        return None if is_own else await self._mask(found, channel.kind)

    async def _mask(self, finding: Finding | Match, kind: Kind) -> Mask | None:
        """Return the mask for a finding in a part of this kind.

        Policy is asked before the first one of its entity in such a place goes out, and before a surer one.
        """
        known = self._asked.get((finding.entity, mask_place(kind)), -1.0)
        if self._ask and finding.score > known and finding.entity != CREDENTIAL_ENTITY:
            self._note(finding, kind)
            await self._ask(self)
        return mask_for(self.masks, finding, kind)

    async def _note_unknown(self, kinds: Sequence[str]) -> None:
        """Ask policy before something of a type that is not known goes out for the first time."""
        is_first = bool(kinds) and not self.unknown
        if len(self.unknown) < _MOST_UNKNOWN:
            self.unknown |= dict.fromkeys(kinds)
        if is_first and self._ask and not self.all_decided:
            await self._ask(self)

    def _note(self, finding: Finding | Match, kind: Kind) -> None:
        at = finding.entity, mask_place(kind)
        self._asked[at] = max(finding.score, self._asked.get(at, -1.0))

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
                events += await self._pass(event)
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
        check_maskable(parts, self.masks, keys=False)
        texts: dict[str, Any] = {}
        for one in parts:
            pointer, masked = one.part.pointer, masked_text(one, self.masks, exchange.response_vault)
            if one.part.place == "number" and masked is not None:
                texts[pointer] = masked
            if one.part.place != "value":
                continue
            texts[pointer] = text = one.part.text if masked is None else masked
            if pointer in item.call.pointers:
                texts[pointer] = exchange.restorer.argument(text, item.call, pointer)
        self._outlet.sent.note({at: text for at, text in texts.items() if isinstance(text, str)})
        return item.events(texts)

    async def _other_event(self, item: OtherEvent) -> Outgoing:
        """Return an event without text of its own; its other strings are looked at all the same."""
        parts = await self._inspector.completion(self.exchange, item.parts, item.tools)
        self._others += [part for part in parts if holds_value(part)]
        await self._note_unknown(item.unknown)
        found = [part for part in parts if part.findings]
        for part in found:
            for finding in part.findings:
                await self._mask(finding, part.part.kind)
        await self._take_tools(item.tools)
        await self._inspector.tasks.take(self.exchange, item.document)
        await self._inspector.stored.count_event(self.exchange, item.document)
        item, found = keep_back(item, found, self.masks, self._withheld)
        spoken = [part for part in parts if _is_spoken(self.exchange, part.part)]
        await self._refuse_joints(item, spoken)
        if self._ask is None or not (found or spoken or item.repeats):
            return item.event
        vault = self.exchange.response_vault
        rewriting = Rewriting(item.document)
        rewriting.mask(found, self.masks, vault)
        for part in spoken:
            text = masked_text(part, self.masks, vault) or part.part.text
            rewriting.put(part.part, self._event_texts.restored(item, part.part.pointer, text))
        body = rewriting.end()
        if item.repeats:
            return Repeating(item.event.event, body, item.repeats)
        return replace(item.event, data=serialize(body).decode())

    async def _take_tools(self, tools: Sequence[Tool]) -> None:
        """Ask about the tools that an event offers; those that pass are what later ones are compared with."""
        self._tools += tools
        if tools and self._ask:
            if not self.all_decided:
                await self._ask(self)
            await self._inspector.pin(self.exchange, tools)

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
                if await self._mask(finding, part.part.kind):
                    why = f"{finding.entity} in pieces of a stream cannot be masked"
                    raise PolicyDenied(f"denied by the gateway: {why}", reasons=[])


def _masked_piece(mask: Mask, found: Match, vault: Vault, piece: str, where: Where) -> str:
    if where == "key" and mask.operator != "placeholder":  # two keys must not become one
        mask = Mask(found.entity, "placeholder")
    return apply_mask(mask, found, piece, vault, where)


def _is_spoken(exchange: Exchange, part: Part) -> bool:
    return part.place == "value" and part.text != "" and is_text(exchange, part)
