"""The provider's stream as it comes in: read event by event, ahead to its end, and once more.

Providers send the choices of one completion by turns, a piece of each. A client may join them once they are
complete. So one choice flows, and what comes of the others waits until that one is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator

from gateway.dialects import (
    CallReady,
    ChannelEnd,
    Frame,
    Item,
    Malformed,
    SseDecoder,
    TextDelta,
    stream_reader,
)
from gateway.errors import UpstreamUnreadable
from gateway.upstream import ReplayedResponse, UpstreamResponse
from gateway.words import Completion, Dialect

_MOST_WAITING = 200_000  # items


class Intake:
    """One stream of at most `limit` bytes. What it has read is kept, so that approvers can see all of it."""

    def __init__(self, response: UpstreamResponse, dialect: Dialect, limit: int) -> None:
        reader = stream_reader(dialect)
        assert reader is not None  # a stream is opened only for a dialect that has one
        self.response = response
        self._dialect = dialect
        self._reader = reader
        self._turns = Turns() if dialect == "openai.chat" else None
        self._chunks = response.chunks()
        self._limit = limit
        self._raw = bytearray()
        self._backlog: deque[bytes] = deque()

    @property
    def completion(self) -> Completion:
        """The completion as far as it was read, without its parts."""
        return self._reader.completion()

    async def items(self) -> AsyncIterator[list[Item]]:
        """Yield what each event brings, in order.

        Raises UpstreamUnreadable over the limit, or when the stream cannot be read.
        """
        decoder = SseDecoder(self._limit)
        try:
            while (chunk := await self._next()) is not None:
                for event in decoder.feed(chunk):
                    yield self._ordered(self._reader.read(event))
        except Malformed as error:
            raise _unreadable(error) from error
        # an event that was cut off is none (WHATWG); whether the completion is whole, the reader knows

    def last_items(self) -> list[Item]:
        """Return what is due where the stream ends. Raises UpstreamUnreadable for half a completion."""
        try:
            return self._ordered(self._reader.close()) + (self._turns.close() if self._turns else [])
        except Malformed as error:
            raise _unreadable(error) from error

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
        return Intake(replayed, self._dialect, self._limit)

    def _ordered(self, items: list[Item]) -> list[Item]:
        return self._turns.order(items) if self._turns else items

    async def _next(self) -> bytes | None:
        if self._backlog:
            return self._backlog.popleft()
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._raw += chunk
            if len(self._raw) > self._limit:
                raise UpstreamUnreadable(f"the provider's stream is over {self._limit} bytes")
        return chunk


def _unreadable(error: Malformed) -> UpstreamUnreadable:
    return UpstreamUnreadable(f"the provider's stream cannot be read: {error}")


class Turns:
    """Puts the items of an `openai.chat` stream in the order of its choices."""

    def __init__(self) -> None:
        self._speaking = ""
        self._finished: set[str] = set()
        self._waiting: dict[str, list[Item]] = {}
        self._count = 0

    def order(self, items: Iterable[Item]) -> list[Item]:
        """Return what may go on now. Raises UpstreamUnreadable when too much would have to wait."""
        return [one for item in items for one in self._take(item)]

    def close(self) -> list[Item]:
        """Return all that waits."""
        waiting, self._waiting, self._count = self._waiting, {}, 0
        return [item for items in waiting.values() for item in items]

    def _take(self, item: Item) -> Iterator[Item]:
        turn = _turn(item)
        self._finished.update(_finished(item))
        self._speaking = self._speaking or turn
        if turn == self._speaking or not (turn or self._waiting):
            yield item
        else:
            self._waiting.setdefault(turn, []).append(item)
            self._count += 1
            if self._count > _MOST_WAITING:
                raise UpstreamUnreadable(f"over {_MOST_WAITING} pieces of a stream's choices wait for one")
        while self._waiting and self._speaking in self._finished:
            self._speaking, items = next(iter(self._waiting.items()))
            del self._waiting[self._speaking]
            self._count -= len(items)
            yield from items
            if not self._speaking:  # of no choice
                self._speaking = next(iter(self._finished))


def _turn(item: Item) -> str:
    """Return the choice that an item belongs to; "" for what belongs to none or to several."""
    match item:
        case TextDelta() | ChannelEnd():
            return item.channel.partition("/")[0]
        case CallReady():
            return item.parts[0].pointer.removeprefix("/choices/").partition("/")[0]
        case Frame():
            indexes = {str(choice.get("index", 0)) for choice in _choices(item)}
            return indexes.pop() if len(indexes) == 1 else ""


def _finished(item: Item) -> Iterator[str]:
    if isinstance(item, Frame):
        for choice in _choices(item):
            if choice.get("finish_reason"):
                yield str(choice.get("index", 0))


def _choices(frame: Frame) -> list[dict[str, object]]:
    document = frame.document
    return (document.get("choices") or []) if isinstance(document, dict) else []
