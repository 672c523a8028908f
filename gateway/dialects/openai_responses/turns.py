"""The items of a stream one after the other, as a whole response has them.

A client joins the texts of a response and indexes its items in order. So one item flows, and the events of
those that begin before it is over wait.
"""

from __future__ import annotations

from typing import Any

from gateway.dialects.reading.scalars import integer
from gateway.errors import UpstreamUnreadable

_MOST_WAITING = 100_000  # events


class ItemTurns:
    """Puts the events of a stream in the order of its items."""

    def __init__(self) -> None:
        self._speaking = -1
        self._over: set[int] = set()
        self._waiting: dict[int, list[dict[str, Any]]] = {}
        self._count = 0

    def order(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the events that may go on now; one of no item never waits.

        Raises UpstreamUnreadable when too many would have to wait.
        """
        turn = integer(event, "output_index")
        if turn < 0 or turn in self._over:
            return [event]
        if self._speaking in (-1, turn):
            return [event, *self._after(turn, [event])]
        self._waiting.setdefault(turn, []).append(event)
        self._count += 1
        if self._count > _MOST_WAITING:
            raise UpstreamUnreadable(f"over {_MOST_WAITING} events of a response wait for one item")
        return []

    def close(self) -> list[dict[str, Any]]:
        """Return all events that wait."""
        waiting, self._waiting, self._count = self._waiting, {}, 0
        self._speaking = -1
        return [event for events in waiting.values() for event in events]

    def _after(self, turn: int, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what may follow these events of an item: those of the next items once it is over."""
        following: list[dict[str, Any]] = []
        while any(map(_is_last, events)):
            self._over.add(turn)
            turn, events = next(iter(self._waiting.items()), (-1, []))
            self._waiting.pop(turn, None)
            self._count -= len(events)
            following += events
        self._speaking = turn
        return following


def _is_last(event: dict[str, Any]) -> bool:
    return event.get("type") == "response.output_item.done"
