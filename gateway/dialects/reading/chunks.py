"""Streams whose every event is a small completion: texts go on in the next one, tool calls are whole.

Example, of Gemini: {"candidates": [{"content": {"parts": [{"text": "Hel"}, CALL]}, "finishReason": "STOP"}]}

    1. the dialect cuts it into pieces, each a chunk that says one thing:   "Hel", then CALL
    2. a piece with a text becomes a TextDelta, a piece with a call a CallReady
    3. what the choice has open ends with it                                ChannelEnd
    4. the rest of the chunk follows what it closes                         {"finishReason": "STOP"}
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from gateway.dialects.reading.document import Malformed, parse, put
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import (
    CallReady,
    ChannelEnd,
    Item,
    OtherEvent,
    TextDelta,
    Tokens,
    json_event,
)
from gateway.words import Completion, Part, Usage


@dataclass(frozen=True, slots=True)
class ChunkPiece:
    """One thing that a chunk says, as a chunk that says nothing else.

    What stands at `inner` in it stands at `outer` in the whole completion. A `text` is the pointer, below
    both, of a text that goes on in later chunks; `channel` tells such texts of one choice apart.
    """

    document: dict[str, Any]
    choice: str
    inner: str
    outer: str
    text: str = ""
    channel: str = ""
    is_call: bool = False
    tokens: Tokens | None = None  # of the text


class ChunkForm(Protocol):
    """What a dialect knows of its chunks. There is one for each stream."""

    done: str  # the data of the event that ends a stream, "" when there is none

    def read(self, document: dict[str, Any]) -> Completion:
        """Return what a chunk says, read like a whole completion. Raises Malformed."""

    def cut(self, document: dict[str, Any]) -> tuple[list[ChunkPiece], dict[str, Any] | None]:
        """Return the pieces of a chunk, and the rest if it says anything. Raises Malformed."""

    def choices(self, document: dict[str, Any]) -> Iterable[tuple[str, bool]]:
        """Return the choices that a chunk is about, and whether each is over with it."""


class ChunkStream:
    """Reads one streamed completion that comes in chunks of one form."""

    def __init__(self, form: ChunkForm) -> None:
        self._form = form
        self._channels: dict[str, dict[str, ChannelEnd]] = {}  # of each choice, those that are open
        self._shapes: dict[str, dict[str, Any]] = {}  # of each channel, what stands around its text
        self._over: dict[str, bool] = {}
        self._done = self._failed = False
        self._said = Completion()

    def read(self, event: SseEvent) -> list[Item]:
        if self._done:
            raise Malformed("an event after the end of the stream")
        if self._form.done and event.data.strip() == self._form.done:
            self._done = True
            return [*self._end(self._channels), OtherEvent(SseEvent(self._form.done), None, ())]
        if self._failed:
            raise Malformed("an event after the provider's error")
        document = parse(event.data.encode())
        if not isinstance(document, dict):
            raise Malformed("expected a chunk object")
        said = self._form.read(document)
        if document.get("error"):
            return self._fail(document, event.event)
        self._count(said)
        return self._chunk(document)

    def close(self) -> list[Item]:
        if self._failed:
            return []
        if not (self._done or (self._over and all(self._over.values()))):
            raise Malformed("the stream ended before the completion did")
        return self._end(self._channels)

    def completion(self) -> Completion:
        return self._said

    def _fail(self, document: dict[str, Any], name: str) -> list[Item]:
        """Pass on the provider's own error; texts that are held go out."""
        if self._form.cut(copy.deepcopy(document))[0]:
            raise Malformed("expected an error to come without a completion")
        self._failed = True
        return [*self._end(self._channels), self._other(document, "error" if name == "error" else "")]

    def _count(self, said: Completion) -> None:
        """Take what a chunk says of the completion. Counts are running totals: the last one counts."""
        self._said = Completion(
            model=self._said.model or said.model,
            finish_reason=self._said.finish_reason or said.finish_reason,
            usage=said.usage if said.usage != Usage() else self._said.usage,
            withheld_calls=self._said.withheld_calls + said.withheld_calls,
        )

    def _chunk(self, document: dict[str, Any]) -> list[Item]:
        choices = dict(self._form.choices(document))
        pieces, rest = self._form.cut(document)
        items: list[Item] = []
        for piece in pieces:
            if self._over.get(piece.choice):
                raise Malformed("more of a choice after its end")
            items += self._items(piece)
        self._over = {**choices, **self._over, **{name: True for name, over in choices.items() if over}}
        items += self._end([name for name, over in choices.items() if over])
        return items if rest is None else [*items, self._other(rest)]

    def _items(self, piece: ChunkPiece) -> list[Item]:
        if piece.is_call:
            return [self._call(piece)]
        if not piece.text:
            return [self._other(piece.document)]
        channel = f"{piece.choice}/{piece.channel}"
        text = _at(piece.document, piece.inner + piece.text)
        shape = put(copy.deepcopy(piece.document), piece.inner + piece.text, "")
        reshape = partial(_with_text, shape, piece.inner + piece.text)
        part = Part("assistant", "text", piece.outer + piece.text, text)
        self._channels.setdefault(piece.choice, {})[channel] = ChannelEnd(
            channel, replace(part, text=""), reshape
        )
        # what stands around a text is a part of its own the first time, so that it is looked at as well
        news = [] if self._shapes.get(channel) == shape else [self._other(copy.deepcopy(shape))]
        self._shapes[channel] = shape
        return [*news, TextDelta(channel, part, reshape, piece.tokens)]

    def _call(self, piece: ChunkPiece) -> CallReady:
        read = self._form.read(piece.document)
        if len(read.tool_calls) != 1:
            raise Malformed("expected one tool call")

        def outer(pointer: str) -> str:
            inside = pointer.startswith(f"{piece.inner}/")
            return piece.outer + pointer.removeprefix(piece.inner) if inside else pointer

        parts = tuple(replace(part, pointer=outer(part.pointer)) for part in read.parts)
        (call,) = read.tool_calls
        call = replace(call, pointers=tuple(map(outer, call.pointers)))
        # its own parts first: they say which choice it belongs to
        parts = tuple(sorted(parts, key=lambda part: not part.pointer.startswith(f"{piece.outer}/")))
        return CallReady(call, parts, partial(_call_events, piece))

    def _end(self, choices: Iterable[str]) -> list[Item]:
        """End the channels that these choices have open."""
        ends: list[Item] = []
        for name in list(choices):
            ends += self._channels.pop(name, {}).values()
        return ends

    def _other(self, document: dict[str, Any], name: str = "") -> OtherEvent:
        said = self._form.read(document)
        return OtherEvent(json_event(document, name), document, said.parts, whole=True, unknown=said.unknown)


def _at(document: Any, pointer: str) -> str:
    """Return the text at a pointer whose keys hold no escapes."""
    for token in pointer[1:].split("/"):
        document = document[int(token) if isinstance(document, list) else token]
    if not isinstance(document, str):
        raise Malformed("expected the text of a chunk to be text")
    return document


def _with_text(shape: dict[str, Any], pointer: str, text: str) -> SseEvent:
    return json_event(put(copy.deepcopy(shape), pointer, text))


def _call_events(piece: ChunkPiece, texts: Mapping[str, str]) -> list[SseEvent]:
    """Return the call as one chunk, with the texts given in place of its own."""
    document = copy.deepcopy(piece.document)
    for pointer, text in texts.items():
        inside = pointer.startswith(f"{piece.outer}/")
        document = put(document, piece.inner + pointer.removeprefix(piece.outer) if inside else pointer, text)
    return [json_event(document)]
