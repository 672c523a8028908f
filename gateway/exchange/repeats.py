"""Events of a stream that say once more what went out before: they say it as it went out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.dialects import SseEvent, json_event, put


@dataclass(frozen=True, slots=True)
class Repeating:
    """An event with places to be filled when it goes out itself.

    `repeats` are the channel, the pointer of a call's part or the place of tokens, by the pointer of each
    place that repeats it.
    """

    name: str
    document: Any
    repeats: Mapping[str, str]


Outgoing = SseEvent | Repeating


class SentTexts:
    """What went out so far, by channel, and by pointer for the parts of tool calls; tokens by their place."""

    def __init__(self) -> None:
        self.tokens: dict[str, list[Any]] = {}
        self._texts: dict[str, list[str]] = {}

    def add(self, channel: str, text: str) -> None:
        self._texts.setdefault(channel, []).append(text)

    def note(self, texts: Mapping[str, str]) -> None:
        """Note what goes out for the parts of a tool call."""
        self._texts.update((pointer, [text]) for pointer, text in texts.items())

    def released(self, event: Outgoing) -> SseEvent:
        """Return the event as it goes out now."""
        if isinstance(event, SseEvent):
            return event
        document = event.document
        for pointer, source in event.repeats.items():
            said = self.tokens.get(source)
            document = put(document, pointer, "".join(self._texts.get(source, ())) if said is None else said)
        return json_event(document, event.name)
