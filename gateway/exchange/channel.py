"""One run of text in a stream (say, the content of choice 0), and what of it has passed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.masking import Piece, StreamScanner, piece_of, split
from gateway.words import Finding, InspectedPart, Match, Part

# Characters that are scanned without a break: where every word may begin a number or an IBAN a character
# costs half a millisecond.
_SLICE = 16


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

    def followed(self, name: str, part: Part) -> Channel:
        """Return the channel that a client reads after this one: a value may go on there."""
        own = self._scanner.held - sum(lead.length for lead in self._leads)
        leads = [*(replace(lead) for lead in self._leads), Lead(self, self._length, own)]
        return Channel(name, part, self._scanner.joined(), [lead for lead in leads if lead.length])

    @property
    def is_held(self) -> bool:
        """Return whether something of its text has not passed yet."""
        return self._scanner.held > 0

    @property
    def has_leads(self) -> bool:
        """Return whether it is still open what goes on here from an earlier channel."""
        return bool(self._leads)

    async def scan(self, delta: str) -> list[Piece]:
        """The pieces a delta settles, in slices: no large one, nor a fast provider, makes others wait."""
        pieces: list[Piece] = []
        for start in range(0, len(delta), _SLICE):
            pieces += self._scanner.feed(delta[start : start + _SLICE])
            await asyncio.sleep(0)
        return self._without_leads(pieces)

    def last_pieces(self) -> list[Piece]:
        """What is left where the text ends."""
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

    def passed(self, text: str, shown: str) -> None:
        """Take note of a piece that goes on its way, and of how policy and the record see it."""
        self._raw.append(text)
        self._shown.append(shown)
        self._length += len(text)

    def found(self, span: Match, text: str) -> Finding:
        """The finding that the next piece is, noted."""
        end = self._length + len(text)
        pointer = self._part.pointer
        finding = Finding(span.entity, span.category, span.score, pointer, self._length, end)
        self._findings.append(finding)
        return finding

    def part(self) -> Part:
        """The part with its text so far."""
        return replace(self._part, text="".join(self._raw))

    def inspected(self, part: Part, digest: str) -> InspectedPart:
        """The text so far as an inspected part."""
        return InspectedPart(part, digest, True, tuple(self._findings), "".join(self._shown))
