"""What goes out of a stream: texts with their values restored, and the other events in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from gateway.dialects import SseEvent
from gateway.exchange.repeats import Outgoing, SentTexts
from gateway.masking import RunRestorer

_RESTORED = 1024  # characters that are restored without a break


@dataclass(slots=True)
class Outlet:
    """Restores the row of texts, and keeps events behind the text that the restorer holds."""

    restorer: RunRestorer
    reshape: dict[str, Callable[[str], SseEvent]] = field(default_factory=dict)  # by the text's name
    ended: set[str] = field(default_factory=set)  # the texts of which no more comes
    sent: SentTexts = field(default_factory=SentTexts)
    _behind: deque[tuple[str, Outgoing]] = field(default_factory=deque)  # whose text an event follows

    async def add_text(self, owner: str, masked: str) -> list[SseEvent]:
        """Return what may go out now, restored in slices between which others have their turn."""
        pieces: list[tuple[str, str]] = []
        for start in range(0, len(masked), _RESTORED):
            if start:
                await asyncio.sleep(0)
            pieces += self.restorer.feed(masked[start : start + _RESTORED], owner)
        return list(self._ordered(pieces))

    def add_event(self, event: Outgoing) -> list[SseEvent]:
        """Return the event, unless a text that is over is held before it."""
        holding = self._behind[-1][0] if self._behind else self.restorer.holding
        if holding is None or holding not in self.ended:
            return [self.sent.released(event)]
        self._behind.append((holding, event))
        return []

    def close(self) -> list[SseEvent]:
        """Return everything that is held."""
        return list(self._ordered(self.restorer.close()))

    def _ordered(self, pieces: Iterable[tuple[str, str]]) -> Iterator[SseEvent]:
        for owner, group in groupby(pieces, key=lambda piece: piece[0]):
            yield from self._before(owner)
            if text := "".join(text for _, text in group):
                self.sent.add(owner, text)
                yield self.reshape[owner](text)
        yield from self._before(self.restorer.holding)

    def _before(self, owner: str | None) -> Iterator[SseEvent]:
        while self._behind and self._behind[0][0] != owner:
            yield self.sent.released(self._behind.popleft()[1])
