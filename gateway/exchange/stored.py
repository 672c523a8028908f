"""What a provider keeps, when it is read again: its tokens count once."""

from __future__ import annotations

from typing import Any

from gateway.config import ServerKey
from gateway.dialects import came_late, endpoint, is_stored
from gateway.exchange.exchange import Exchange
from gateway.state import TaskHolders
from gateway.words import Usage


class Stored:
    """Counts what was made after its request was answered: a response in the background, a batch."""

    def __init__(self, key: ServerKey, holders: TaskHolders | None) -> None:
        self._key = key
        self._holders = holders

    async def expect(self, exchange: Exchange) -> None:
        """Let what comes of a stream count if its client leaves before its tokens are told.

        Not if they counted before. Raises StateUnavailable.
        """
        if not exchange.is_counted and self._holders is not None:
            named = _path(exchange).rpartition("/")[2]
            exchange.is_counted = not await self._holders.is_claimed(self._digest(exchange, named))

    async def count_event(self, exchange: Exchange, event: Any) -> None:
        """Let the tokens count of an answer that an event of a stream carries. Raises StateUnavailable."""
        answer = event.get("response") if isinstance(event, dict) else None
        if isinstance(answer, dict):
            await self.count(exchange, answer)

    async def count(self, exchange: Exchange, document: Any) -> None:
        """Let the tokens of an answer count if they never did. Raises StateUnavailable."""
        request = exchange.call.method, _path(exchange)
        if exchange.received.has_body or not is_stored(exchange.dialect, *request):
            return
        if not came_late(exchange.dialect, " ".join(request), document):
            exchange.is_counted = False
        elif exchange.completion.usage != Usage():
            named = document.get("id") if isinstance(document, dict) else None
            digest = self._digest(exchange, named if isinstance(named, str) else request[1])
            exchange.is_counted = self._holders is None or await self._holders.claim(digest)

    def _digest(self, exchange: Exchange, named: str) -> str:
        what = exchange.upstream.base_url, named
        return self._key.digest("counted", *(one.encode() for one in what)).hex()


def _path(exchange: Exchange) -> str:
    return endpoint(exchange.envelope.up_path)
