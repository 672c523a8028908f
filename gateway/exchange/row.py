"""The texts of a streamed completion in a row, as a client reads them: each by itself, and joined.

Example: block 0 ends with `pay 4111 1111`, block 1 begins with ` 1111 1111 now`. The end of block 0 is held,
and the events that follow it wait behind it, until block 1 shows what goes on. Both halves are then masked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from gateway.dialects import ChannelEnd, SseEvent, TextDelta
from gateway.exchange.channel import Channel
from gateway.masking import Piece, RunRestorer, StreamScanner
from gateway.words import Part

_MOST_WAITING = 256  # events; the end of a text is then no longer held for the next one
_SLICE = 1024  # characters that are restored without a break
_Frame = Callable[[str], SseEvent]


class Row:
    """Lets the texts out in order, and the other events where they stand between them."""

    def __init__(
        self,
        new_scanner: Callable[[], StreamScanner],
        restorer: RunRestorer,
        mask: Callable[[Channel, Piece], Awaitable[str]],
    ) -> None:
        """Make one; `mask` says what goes out for a piece of a channel's text."""
        self.channels: dict[str, Channel] = {}
        self._new_scanner = new_scanner
        self._mask = mask
        self._outlet = Outlet(restorer)
        self._last: Channel | None = None
        self._waiting: list[Channel | SseEvent] = []  # the ends of texts, and the events after them

    async def text(self, item: TextDelta) -> list[SseEvent]:
        """Return the events that may go out after this piece of text."""
        channel = self._channel(item.channel, item.part)
        self._outlet.frames[channel.name] = item.reshape
        self._last = channel
        pieces = await channel.scan(item.part.text)
        events = await self.flush() if self._waiting and not channel.has_leads else []
        return events + await self._out(channel, pieces)

    async def end(self, item: ChannelEnd) -> list[SseEvent]:
        """Return the events that may go out now that this channel is over."""
        channel = self._channel(item.channel, item.part)
        self._outlet.frames[channel.name] = item.reshape
        if channel.is_held or self._waiting:
            self._waiting.append(channel)
            return []
        channel.ended = True
        return []

    async def events(self, events: Iterable[SseEvent]) -> list[SseEvent]:
        """Return the events that may go out now that these have come."""
        if not self._waiting:
            return self._outlet.events(events, self.channels)
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
                out += self._outlet.events([one], self.channels)
        return out

    async def close(self) -> list[SseEvent]:
        """Return everything that is left: no text follows."""
        return [*await self.flush(), *self._outlet.close()]

    def _channel(self, name: str, part: Part) -> Channel:
        if name not in self.channels:
            if self._last is None:
                self.channels[name] = Channel(name, part, self._new_scanner())
            else:
                self.channels[name] = self._last.followed(name, part)
        return self.channels[name]

    async def _out(self, channel: Channel, pieces: Sequence[Piece]) -> list[SseEvent]:
        masked = "".join([await self._mask(channel, piece) for piece in list(channel.marked(pieces))])
        return await self._outlet.text(channel.name, masked) if masked else []


class Outlet:
    """Restores the row, and keeps events behind the text that the restorer holds."""

    def __init__(self, restorer: RunRestorer) -> None:
        self.frames: dict[str, _Frame] = {}
        self._restorer = restorer
        self._behind: deque[tuple[str, SseEvent]] = deque()  # whose text an event follows

    async def text(self, owner: str, masked: str) -> list[SseEvent]:
        pieces: list[tuple[str, str]] = []
        for start in range(0, len(masked), _SLICE):
            if start:
                await asyncio.sleep(0)
            pieces += self._restorer.feed(masked[start : start + _SLICE], owner)
        return list(self._ordered(pieces))

    def events(self, events: Iterable[SseEvent], channels: dict[str, Channel]) -> list[SseEvent]:
        holding = self._behind[-1][0] if self._behind else self._restorer.holding
        if holding is None or not channels[holding].ended:
            return list(events)
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
                yield self.frames[owner](text)
        yield from self._before(self._restorer.holding)

    def _before(self, owner: str | None) -> Iterator[SseEvent]:
        while self._behind and self._behind[0][0] != owner:
            yield self._behind.popleft()[1]
