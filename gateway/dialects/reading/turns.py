"""The choices of a stream one after the other, as an unstreamed completion has them.

Providers send the choices of one completion by turns, a piece of each. A client may join them once they are
complete. So one choice flows, and what comes of the others waits until that one is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import (
    CallReady,
    ChannelEnd,
    Item,
    OtherEvent,
    StreamReader,
    TextDelta,
)
from gateway.errors import UpstreamUnreadable

_MOST_WAITING = 200_000  # items


class ByTurns:
    """Reads one streamed completion; its choices come one after the other.

    `choices` and `finish` are the names of their list and of what ends one.
    """

    def __init__(self, reader: StreamReader, choices: str = "choices", finish: str = "finish_reason") -> None:
        self._reader = reader
        self._turns = Turns(choices, finish)
        self.completion = reader.completion

    def read(self, event: SseEvent) -> list[Item]:
        return self._turns.order(self._reader.read(event))

    def close(self) -> list[Item]:
        return self._turns.order(self._reader.close()) + self._turns.close()


class Turns:
    """Puts the items of a stream in the order of its choices."""

    def __init__(self, choices: str = "choices", finish: str = "finish_reason") -> None:
        self._choices_key = choices
        self._finish_key = finish
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
        turn = self._turn(item)
        self._finished.update(self._finished_by(item))
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

    def _turn(self, item: Item) -> str:
        """Return the choice that an item belongs to; "" for what belongs to none or to several."""
        match item:
            case TextDelta() | ChannelEnd():
                return item.channel.partition("/")[0]
            case CallReady():
                return item.parts[0].pointer.removeprefix(f"/{self._choices_key}/").partition("/")[0]
            case OtherEvent():
                indexes = {str(choice.get("index", 0)) for choice in self._choices(item)}
                return indexes.pop() if len(indexes) == 1 else ""

    def _finished_by(self, item: Item) -> Iterator[str]:
        if isinstance(item, OtherEvent):
            for choice in self._choices(item):
                if choice.get(self._finish_key):
                    yield str(choice.get("index", 0))

    def _choices(self, event: OtherEvent) -> list[dict[str, Any]]:
        document = event.document
        return (document.get(self._choices_key) or []) if isinstance(document, dict) else []
