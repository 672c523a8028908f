"""The provider's stream as it comes in: read event by event, ahead to its end, and once more."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from gateway.dialects import SseDecoder, SseEvent
from gateway.errors import UpstreamUnreadable
from gateway.upstream import ReplayedResponse, UpstreamResponse


class Intake:
    """One stream of at most `limit` bytes. What it has read is kept, so that people can see all of it."""

    def __init__(self, response: UpstreamResponse, limit: int) -> None:
        self.response = response
        self._chunks = response.chunks()
        self._limit = limit
        self._raw = bytearray()
        self._backlog: deque[bytes] = deque()

    async def events(self) -> AsyncIterator[SseEvent]:
        """Raises UpstreamUnreadable over the limit."""
        decoder = SseDecoder(self._limit)
        while (chunk := await self._next()) is not None:
            for event in decoder.feed(chunk):
                yield event
        # an event that was cut off is none (WHATWG); whether the completion is whole, the reader knows

    async def drain(self) -> bytes:
        """The whole stream; what `events` did not give yet, it gives later. Raises UpstreamUnreadable."""
        waiting, self._backlog = self._backlog, deque()
        while (chunk := await self._next()) is not None:
            waiting.append(chunk)
        self._backlog = waiting
        return bytes(self._raw)

    def again(self, raw: bytes) -> Intake:
        """The same stream from its first byte, once `drain` has given it."""
        return Intake(ReplayedResponse(self.response.status, self.response.headers, raw), self._limit)

    async def close(self) -> None:
        """Let the provider's connection go."""
        await self.response.close()

    async def _next(self) -> bytes | None:
        if self._backlog:
            return self._backlog.popleft()
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self._raw += chunk
            if len(self._raw) > self._limit:
                raise UpstreamUnreadable(f"the provider's stream is over {self._limit} bytes")
        return chunk
