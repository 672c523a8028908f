"""The provider's stream as it comes in: read event by event, ahead to its end, and once more."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace

from gateway.dialects import SSE, Encoder, Framing, Item, Malformed, OtherEvent, SseEvent, stream_reader
from gateway.errors import UpstreamUnreadable
from gateway.upstream import ReplayedResponse, UpstreamResponse
from gateway.words import Completion, Part


class Intake:
    """One stream of at most `limit` bytes. What it has read is kept, so that approvers can see all of it."""

    def __init__(self, response: UpstreamResponse, dialect: str, limit: int, framing: Framing = SSE) -> None:
        reader = stream_reader(dialect)
        assert reader is not None  # a stream is opened only for a dialect that has one
        self.response = response
        self.ended = False
        self._dialect = dialect
        self._framing = framing
        self._reader = reader
        self._chunks = response.chunks()
        self._limit = limit
        self._raw = bytearray()
        self._backlog: deque[bytes] = deque()

    @property
    def completion(self) -> Completion:
        """The completion as far as it was read, without its parts."""
        return self._reader.completion()

    def encoder(self) -> Encoder:
        """Return what frames the events that go out as those that come in."""
        return self._framing.encoder()

    async def items(self) -> AsyncIterator[list[Item]]:
        """Yield what each event brings, in order, and at last, once `ended`, what is due at the end.

        Raises UpstreamUnreadable over the limit, when the stream cannot be read, or for half a completion.
        """
        decoder = self._framing.decoder(self._limit)
        try:
            while (chunk := await self._next()) is not None:
                for event in decoder.feed(chunk):
                    yield [OtherEvent(event, None, ())] if event.comment else self._read(event)
            # an event that was cut off is none (WHATWG); whether the completion is whole, the reader knows
            last = self._reader.close()
        except Malformed as error:
            raise UpstreamUnreadable(f"the provider's stream cannot be read: {error}") from error
        self.ended = True
        yield last

    def _read(self, event: SseEvent) -> list[Item]:
        """Return the items of an event. What it says of coming back goes on where the event does as one."""
        items = self._reader.read(event)
        if not (event.id or event.retry >= 0):
            return items
        others = [at for at, item in enumerate(items) if isinstance(item, OtherEvent)]
        if others:
            items[others[-1]] = _with_cursor(items[others[-1]], event)
        return items

    async def drain(self) -> bytes:
        """Return the whole stream; `items` still gives what it has not given. Raises UpstreamUnreadable."""
        waiting, self._backlog = self._backlog, deque()
        while (chunk := await self._next()) is not None:
            waiting.append(chunk)
        self._backlog = waiting
        return bytes(self._raw)

    def again(self, raw: bytes) -> Intake:
        """Return the same stream from its first byte, once `drain` has given it."""
        replayed = ReplayedResponse(self.response.status, self.response.headers, raw)
        return Intake(replayed, self._dialect, self._limit, self._framing)

    async def _next(self) -> bytes | None:
        if self._backlog:
            return self._backlog.popleft()
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._raw += chunk
            if len(self._raw) > self._limit:
                raise UpstreamUnreadable(f"the provider's stream is over {self._limit} bytes")
        return chunk


def _with_cursor(item: Item, event: SseEvent) -> Item:
    """Return an event with the id and the retry time of the one that it was; an id is looked at as well."""
    assert isinstance(item, OtherEvent)
    if item.event.id or not (event.id.isascii() and event.id.isprintable() and " " not in event.id):
        return item
    seen = Part("", "field", "", event.id, "structural")
    named = replace(item.event, id=event.id, retry=event.retry)
    return replace(item, event=named, parts=(*item.parts, seen) if event.id else item.parts)
