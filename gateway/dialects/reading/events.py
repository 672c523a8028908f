"""Streams whose every event says something whole, as one with a picture or a piece of audio does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import Item, OtherEvent, json_event
from gateway.words import Completion


class WholeEvents:
    """Reads one stream of events of the types `known` and others; one of `last` ends it."""

    def __init__(
        self, read: Callable[[Any], Completion], known: frozenset[str], last: frozenset[str]
    ) -> None:
        self._read = read
        self._known = known | last
        self._last = last
        self._over = False
        self._said = Completion()

    @property
    def is_over(self) -> bool:
        """Whether the last event was read."""
        return self._over

    def read(self, event: SseEvent) -> list[Item]:
        if event.data.strip() == "[DONE]" and self._over:
            return [OtherEvent(SseEvent("[DONE]"), None, ())]
        if self._over:
            raise Malformed("an event after the end of the stream")
        document = parse(event.data.encode())
        kind = document.get("type") if isinstance(document, dict) else None
        failed = isinstance(document, dict) and bool(document.get("error"))
        if not failed and (not isinstance(kind, str) or event.event not in ("", kind)):
            raise Malformed("expected an event to have one type, the same in its name and its data")
        said = self._read(document)
        if failed or kind in self._last:
            self._over, self._said = True, said
        unknown = () if failed or kind in self._known else (str(kind),)
        event = json_event(document, event.event)
        return [OtherEvent(event, document, said.parts, whole=True, unknown=unknown)]

    def close(self) -> list[Item]:
        if not self._over:
            raise Malformed("the stream ended before its last event")
        return []

    def completion(self) -> Completion:
        return Completion(usage=self._said.usage)
