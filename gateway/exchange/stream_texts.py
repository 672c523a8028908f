"""The texts of a streamed completion, as a client reads them: each by itself, and joined with its neighbors.

Example: block 0 ends with `pay 4111 1111`, block 1 begins with ` 1111 1111 now`. The end of block 0 is held,
and the events that follow it wait behind it, until block 1 shows what goes on. Both halves are then masked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.dialects import ChannelEnd, OtherEvent, SseEvent, TextDelta
from gateway.exchange.repeats import Outgoing, Sent
from gateway.masking import Piece, Restorer, RunRestorer, StreamRestorer, StreamScanner, piece_of, split
from gateway.words import Finding, InspectedPart, Match, Part

# Characters that are scanned without a break: where every word may begin a number or an IBAN a character
# costs half a millisecond.
_SCANNED = 16
_RESTORED = 1024  # characters that are restored without a break
_MOST_WAITING = 256  # events; the end of a text is then no longer held for the next one
_REACH = 320  # characters on either side of where one event's text ends and the next one's begins
_Reshape = Callable[[str], SseEvent]


class TextRow:
    """Lets the texts out in order, and the other events where they stand between them."""

    def __init__(
        self,
        new_scanner: Callable[[], StreamScanner],
        restorer: RunRestorer,
        mask: Callable[[Channel, Piece], Awaitable[str]],
    ) -> None:
        """Make one; `mask` says what goes out for a piece of a channel's text."""
        self.channels: dict[str, Channel] = {}
        self.sent = Sent()
        self._new_scanner = new_scanner
        self._mask = mask
        self._outlet = Outlet(restorer, self.sent)
        self._last: Channel | None = None
        self._waiting: list[Channel | Outgoing] = []  # the ends of texts, and the events after them

    async def add_text(self, item: TextDelta) -> list[SseEvent]:
        """Return the events that may go out after this piece of text."""
        channel = self._channel(item.channel, item.part)
        self._outlet.reshape[channel.name] = item.reshape
        self._last = channel
        pieces = await channel.scan(item.part.text)
        events = await self.flush() if self._waiting and not channel.has_leads else []
        return events + await self._out(channel, pieces)

    async def end(self, item: ChannelEnd) -> list[SseEvent]:
        """Return the events that may go out now that this channel is over."""
        channel = self._channel(item.channel, item.part)
        self._outlet.reshape[channel.name] = item.reshape
        if channel.is_held or self._waiting:
            self._waiting.append(channel)
            return []
        channel.ended = True
        return []

    async def add_events(self, events: Iterable[Outgoing]) -> list[SseEvent]:
        """Return the events that may go out now that these have come."""
        if not self._waiting:
            return self._outlet.add_events(events, self.channels)
        self._waiting += events
        return await self.flush() if len(self._waiting) > _MOST_WAITING else []

    async def flush(self) -> list[SseEvent]:
        """Return what waits for the next text; it waits no longer."""
        waiting, self._waiting = self._waiting, []
        # the last text first: it shows what goes on from the ones before
        last = {one.name: one.last_pieces() for one in reversed(waiting) if isinstance(one, Channel)}
        out: list[SseEvent] = []
        for one in waiting:
            if isinstance(one, Channel):
                out += await self._out(one, last[one.name])
                one.ended = True
            else:
                out += self._outlet.add_events([one], self.channels)
        return out

    async def close(self) -> list[SseEvent]:
        """Return everything that is left: no text follows."""
        return [*await self.flush(), *self._outlet.close()]

    def _channel(self, name: str, part: Part) -> Channel:
        if name not in self.channels:
            if self._last is None:
                self.channels[name] = Channel(name, part, self._new_scanner())
            else:
                self.channels[name] = self._last.next_channel(name, part)
        return self.channels[name]

    async def _out(self, channel: Channel, pieces: Sequence[Piece]) -> list[SseEvent]:
        masked = "".join([await self._mask(channel, piece) for piece in list(channel.marked(pieces))])
        return await self._outlet.add_text(channel.name, masked) if masked else []


class Outlet:
    """Restores the row, and keeps events behind the text that the restorer holds."""

    def __init__(self, restorer: RunRestorer, sent: Sent) -> None:
        self.reshape: dict[str, _Reshape] = {}
        self._sent = sent
        self._restorer = restorer
        self._behind: deque[tuple[str, Outgoing]] = deque()  # whose text an event follows

    async def add_text(self, owner: str, masked: str) -> list[SseEvent]:
        pieces: list[tuple[str, str]] = []
        for start in range(0, len(masked), _RESTORED):
            if start:
                await asyncio.sleep(0)
            pieces += self._restorer.feed(masked[start : start + _RESTORED], owner)
        return list(self._ordered(pieces))

    def add_events(self, events: Iterable[Outgoing], channels: dict[str, Channel]) -> list[SseEvent]:
        holding = self._behind[-1][0] if self._behind else self._restorer.holding
        if holding is None or not channels[holding].ended:
            return [self._sent.released(event) for event in events]
        self._behind += [(holding, event) for event in events]
        return []

    def close(self) -> list[SseEvent]:
        return list(self._ordered(self._restorer.close()))

    def _ordered(self, pieces: Sequence[tuple[str, str]]) -> Iterator[SseEvent]:
        runs: list[tuple[str, str]] = []
        for owner, text in pieces:
            if runs and runs[-1][0] == owner:
                runs[-1] = owner, runs[-1][1] + text
            else:
                runs.append((owner, text))
        for owner, text in runs:
            yield from self._before(owner)
            if text:
                self._sent.add(owner, text)
                yield self.reshape[owner](text)
        yield from self._before(self._restorer.holding)

    def _before(self, owner: str | None) -> Iterator[SseEvent]:
        while self._behind and self._behind[0][0] != owner:
            yield self._sent.released(self._behind.popleft()[1])


@dataclass(slots=True)
class Lead:
    """What an earlier channel held when this one began, and a client may read together with it."""

    channel: Channel
    start: int  # in the channel's text
    length: int


class Channel:
    """The text so far: as the provider sent it, and as policy and the record see it."""

    def __init__(self, name: str, part: Part, scanner: StreamScanner, leads: Sequence[Lead] = ()) -> None:
        """Make one; `scanner` already holds the texts of the `leads`."""
        self.name = name
        self.ended = False
        self._part = part
        self._scanner = scanner
        self._leads = deque(leads)
        self._marks: list[tuple[int, int, Match]] = []  # what goes on in a later channel
        self._raw: list[str] = []
        self._shown: list[str] = []
        self._findings: list[Finding] = []
        self._length = 0  # characters of the raw text so far

    def next_channel(self, name: str, part: Part) -> Channel:
        """Return the channel that a client reads after this one: a value may go on there."""
        own = self._scanner.held - sum(lead.length for lead in self._leads)
        leads = [*(replace(lead) for lead in self._leads), Lead(self, self._length, own)]
        return Channel(name, part, self._scanner.joined(), [lead for lead in leads if lead.length])

    @property
    def is_held(self) -> bool:
        """Whether some of its text has not gone out yet."""
        return self._scanner.held > 0

    @property
    def has_leads(self) -> bool:
        """Whether a value of an earlier channel may still go on here."""
        return bool(self._leads)

    async def scan(self, delta: str) -> list[Piece]:
        """Return the pieces that a delta settles, scanned in slices between which others have their turn."""
        pieces: list[Piece] = []
        for start in range(0, len(delta), _SCANNED):
            pieces += self._scanner.feed(delta[start : start + _SCANNED])
            await asyncio.sleep(0)
        return self._without_leads(pieces)

    def last_pieces(self) -> list[Piece]:
        """Return what is left where the text ends."""
        return self._without_leads(self._scanner.close())

    def marked(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """Yield the pieces; what goes on in a later channel is a finding, with those that it overlaps."""
        text = "".join(piece.text for piece in pieces)
        at, found = 0, list[tuple[int, int, Match]]()
        for piece in pieces:
            if piece.finding:
                found.append((at, at + len(piece.text), piece.finding))
            at += len(piece.text)
        for first, last, span in self._marks:
            first, last = max(0, first - self._length), min(at, last - self._length)
            if first < last:
                apart = [one for one in found if one[1] <= first or last <= one[0]]
                own = [one for one in found if one not in apart]
                ends = min([first, *(one[0] for one in own)]), max([last, *(one[1] for one in own)])
                found = sorted([*apart, (*ends, span)], key=lambda one: one[0])
        at = 0
        for first, last, span in found:
            if at < first:
                yield Piece(text[at:first])
            yield piece_of(text[first:last], span)
            at = last
        if at < len(text):
            yield Piece(text[at:])

    def _without_leads(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Take off what belongs to earlier channels; what goes on from there to here is marked there."""
        own: list[Piece] = []
        for piece in pieces:
            is_joint = bool(self._leads) and len(piece.text) > self._leads[0].length
            while self._leads and piece.text:
                lead = self._leads[0]
                head, piece = split(piece, lead.length)
                if head.finding and is_joint:
                    lead.channel._marks.append((lead.start, lead.start + len(head.text), head.finding))
                lead.start, lead.length = lead.start + len(head.text), lead.length - len(head.text)
                if not lead.length:
                    self._leads.popleft()
            if piece.text:
                own.append(piece)
        return own

    def add_text(self, text: str, shown: str) -> None:
        """Add a piece that goes out; `shown` is how policy and the record see it."""
        self._raw.append(text)
        self._shown.append(shown)
        self._length += len(text)

    def add_finding(self, span: Match, text: str) -> Finding:
        """Note that the next piece is a finding, and return it."""
        end = self._length + len(text)
        pointer = self._part.pointer
        finding = Finding(span.entity, span.category, span.score, pointer, self._length, end)
        self._findings.append(finding)
        return finding

    def part(self) -> Part:
        """Return the part with its text so far."""
        return replace(self._part, text="".join(self._raw))

    def inspected(self, part: Part, digest: str) -> InspectedPart:
        """Return the text so far as an inspected part."""
        return InspectedPart(part, digest, True, tuple(self._findings), "".join(self._shown))


class EventTexts:
    """Text in stream events that belongs to no known channel: complete strings, and fragments.

    It remembers, by the path of each text, how the earlier ones ended.
    """

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._tails: dict[str, str] = {}
        self._restorers: dict[str, StreamRestorer] = {}

    def joints(self, frame: OtherEvent, parts: Iterable[Part]) -> list[tuple[int, Part]]:
        """Return each text with the end of the earlier one before it, and where the two meet."""
        found = []
        for part in parts:
            path = frame.path(part.pointer)
            before = self._tails.get(path, "")
            if before:
                found.append((len(before), replace(part, text=before + part.text[:_REACH])))
            self._tails[path] = (before + part.text)[-_REACH:]
        return found

    def restored(self, frame: OtherEvent, pointer: str, text: str) -> str:
        """Return the masked text with the prompt's values put back, where they are certain by its own end."""
        if frame.whole:
            return self._restorer.whole(text)
        path = frame.path(pointer)
        if path not in self._restorers:
            self._restorers[path] = self._restorer.stream()
        return self._restorers[path].pass_on(text)
