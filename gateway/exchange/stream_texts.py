"""The texts of a streamed completion, as a client reads them: each by itself, and joined with its neighbors.

Example: block 0 ends with `pay 4111 1111`, block 1 begins with ` 1111 1111 now`. The end of block 0 is held,
and the events that follow it wait behind it, until block 1 shows what goes on. Both halves are then masked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.dialects import ChannelEnd, OtherEvent, TextDelta
from gateway.exchange.repeats import Outgoing
from gateway.masking import JsonPieces, Piece, Restorer, StreamRestorer, StreamScanner, piece_of, split
from gateway.words import Finding, InspectedPart, Kind, Match, Part

# Characters that are scanned without a break: where every word may begin a number or an IBAN a character
# costs half a millisecond.
_SCANNED = 16
_READ = 1024  # characters that are read without a break: as JSON they may take ten milliseconds
_MOST_WAITING = 256  # events; the end of a text is then no longer held for the next one
_REACH = 320  # characters on either side of where one event's text ends and the next one's begins


@dataclass(frozen=True, slots=True)
class Settled:
    """Pieces of a text about which everything is found; with `ends` no more of them come."""

    channel: Channel
    pieces: Sequence[Piece]
    ends: bool = False


@dataclass(slots=True)
class TextRow:
    """Holds the texts until what is in them is settled, and other events where they stand between them."""

    new_scanner: Callable[[], StreamScanner]
    channels: dict[str, Channel] = field(default_factory=dict)
    _last: Channel | None = None
    _waiting: list[Channel | Outgoing] = field(default_factory=list)  # ends of texts, and what came since

    async def take(self, item: TextDelta | ChannelEnd | Outgoing) -> list[Settled | Outgoing]:
        """Return what is settled now that this has come, in order."""
        if isinstance(item, Outgoing):
            if not self._waiting:
                return [item]
            self._waiting.append(item)
            return self.flush() if len(self._waiting) > _MOST_WAITING else []
        channel = self._channel(item.channel, item.part)
        if isinstance(item, ChannelEnd):
            if not (channel.is_held or self._waiting):
                return [Settled(channel, (), ends=True)]
            self._waiting.append(channel)
            return []
        self._last = channel
        pieces = await channel.scan(item.part.text)
        waited = self.flush() if self._waiting and not channel.has_leads else []
        return [*waited, Settled(channel, pieces)]

    def flush(self) -> list[Settled | Outgoing]:
        """Return what waits for the next text; it waits no longer."""
        waiting, self._waiting = self._waiting, []
        # the last text first: it shows what goes on from the ones before
        last = {one.name: one.last_pieces() for one in reversed(waiting) if isinstance(one, Channel)}
        return [
            Settled(one, last[one.name], ends=True) if isinstance(one, Channel) else one for one in waiting
        ]

    def _channel(self, name: str, part: Part) -> Channel:
        if name not in self.channels:
            if self._last is None:
                self.channels[name] = Channel(name, part, self.new_scanner())
            else:
                self.channels[name] = self._last.next_channel(name, part)
        return self.channels[name]


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
        self.json = JsonPieces()
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
    def kind(self) -> Kind:
        """What its text is."""
        return self._part.kind

    @property
    def length(self) -> int:
        """How many characters of it have been settled."""
        return self._length

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
        """Yield the pieces; what goes on in a later channel is a finding, with those that it overlaps.

        None without a finding is long.
        """
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
            yield from _plain(text[at:first])
            yield piece_of(text[first:last], span)
            at = last
        yield from _plain(text[at:])

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

    def add(self, text: str, shown: str, found: Match | None = None) -> None:
        """Add a piece that goes out: `shown` is how policy and the record see it, `found` what it is."""
        start, self._length = self._length, self._length + len(text)
        self._raw.append(text)
        self._shown.append(shown)
        if found:
            kind = found.entity, found.category, found.score
            self._findings.append(Finding(*kind, self._part.pointer, start, self._length))

    def inspected(self, digest: Callable[[Part], str]) -> InspectedPart:
        """Return the text so far as an inspected part."""
        part = replace(self._part, text="".join(self._raw))
        return InspectedPart(part, digest(part), True, tuple(self._findings), "".join(self._shown))


def _plain(text: str) -> Iterator[Piece]:
    return (Piece(text[at : at + _READ]) for at in range(0, len(text), _READ))


@dataclass(slots=True)
class EventTexts:
    """Text in stream events that belongs to no known channel: complete strings, and fragments.

    It remembers, by the path of each text, how the earlier ones ended.
    """

    restorer: Restorer
    _tails: dict[str, str] = field(default_factory=dict)
    _restorers: dict[str, StreamRestorer] = field(default_factory=dict)

    def joints(self, event: OtherEvent, parts: Iterable[Part]) -> list[tuple[int, Part]]:
        """Return each text with the end of the earlier one before it, and where the two meet."""
        found = []
        for part in parts:
            path = event.path(part.pointer)
            before = self._tails.get(path, "")
            if before:
                found.append((len(before), replace(part, text=before + part.text[:_REACH])))
            self._tails[path] = (before + part.text)[-_REACH:]
        return found

    def restored(self, event: OtherEvent, pointer: str, text: str) -> str:
        """Return the masked text with the prompt's values put back, where they are certain by its own end."""
        if event.whole:
            return self.restorer.whole(text)
        path = event.path(pointer)
        if path not in self._restorers:
            self._restorers[path] = StreamRestorer(self.restorer)
        return self._restorers[path].pass_on(text)
