"""Texts of a stream's events that no channel carries: whole ones, and pieces of what nobody told us grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.dialects import OtherEvent
from gateway.masking import Restorer, StreamRestorer
from gateway.words import Part

_REACH = 320  # characters on either side of where one event's text ends and the next one's begins


class EventTexts:
    """Knows, by the path of each text, how the earlier ones ended."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer
        self._tails: dict[str, str] = {}
        self._restorers: dict[str, StreamRestorer] = {}

    def joints(self, frame: OtherEvent, parts: Iterable[Part]) -> list[tuple[int, Part]]:
        """Each text with the end of the earlier one before it, and where the two meet."""
        found = []
        for part in parts:
            path = frame.path(part.pointer)
            before = self._tails.get(path, "")
            if before:
                found.append((len(before), replace(part, text=before + part.text[:_REACH])))
            self._tails[path] = (before + part.text)[-_REACH:]
        return found

    def restored(self, frame: OtherEvent, pointer: str, text: str) -> str:
        """The text, masked as it is, with its values: those that are certain by the text's own end."""
        if frame.whole:
            return self._restorer.whole(text)
        path = frame.path(pointer)
        if path not in self._restorers:
            self._restorers[path] = self._restorer.stream()
        return self._restorers[path].pass_on(text)
