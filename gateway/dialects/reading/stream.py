"""What a streamed completion is made of, whichever dialect it travels in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.dialects.reading.calls import call_name, parse_arguments
from gateway.dialects.reading.document import put, serialize
from gateway.dialects.reading.sse import SseEvent
from gateway.words import Completion, Part, Tool, ToolCall


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider tells of the tokens of a piece of text: how probable each was, and which others were.

    `texts` spell the piece, one for each item. `event(items)` carries some of the items and no text. `beside`
    is all other text in them. `place` names the lists that repeat them at the end of a stream.
    """

    items: Sequence[Any]
    texts: Sequence[str]
    beside: str
    event: Callable[[Sequence[Any]], SseEvent]
    place: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of a channel's text; `reshape(text)` is an event of the same shape that carries `text` instead.

    The part's pointer is where the channel's whole text would stand in an unstreamed completion.
    """

    channel: str
    part: Part
    reshape: Callable[[str], SseEvent]
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class ChannelEnd:
    """The end of a channel: what is held of it must go out, through `reshape`, before what follows."""

    channel: str
    part: Part
    reshape: Callable[[str], SseEvent]


@dataclass(frozen=True, slots=True)
class CallReady:
    """A complete tool call, of which nothing has been passed on yet.

    `parts` are its strings, the raw arguments one of them; `events(texts)` are the events that carry it, with
    the texts given by part pointer in place of its own.
    """

    call: ToolCall
    parts: tuple[Part, ...]
    events: Callable[[Mapping[str, Any]], list[SseEvent]]


def ready_call(
    at: str,
    start: dict[str, Any],
    raw: str,
    parts: Sequence[Part],
    events: Callable[[dict[str, Any], str], list[SseEvent]],
) -> CallReady:
    """Return the complete call of a content block whose input came in pieces.

    `start` is the block without its input, at the pointer `at`, and `parts` are its strings; `raw` is the
    input. `events` makes the events that carry a block and an input.
    """
    arguments = Part("assistant", "tool_call", f"{at}/input", raw)

    def changed(texts: Mapping[str, Any]) -> list[SseEvent]:
        block, given = copy.deepcopy(start), raw
        for pointer, text in texts.items():
            if pointer == arguments.pointer:
                given = text
            else:
                put(block, pointer.removeprefix(at), text)
        return events(block, given)

    call = ToolCall(call_name(start), parse_arguments(raw), (arguments.pointer,), raw_json=True)
    return CallReady(call, (*parts, arguments), changed)


WITHHELD = "withheld-by-the-gateway"
"""The signature of what a model thought where not all of it went out; no provider takes it."""


@dataclass(frozen=True, slots=True)
class SignedBlock:
    """What its provider signed, at a pointer of an event: it goes out whole, or `withheld` in its place.

    `texts` are the channels that it is the signature of.
    """

    at: str
    texts: frozenset[str]
    withheld: Any


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """Any other event. `parts` are all strings in `document`, which `event` carries (None: the end marker).

    After a `put` into the document, `json_event(document, event.event)` carries it. `path(pointer)` tells the
    places of different events apart: at equal ones a text of the one may go on in the next. With
    `whole` none does.

    `repeats` are the places that say once more what a channel or a call said: by the pointer of each, the
    channel, the pointer of the call's part, or the `place` of tokens. They are no parts. What went out is put
    in again. `unknown` are types that the dialect does not know.
    """

    event: SseEvent
    document: Any | None
    parts: tuple[Part, ...]
    path: Callable[[str], str] = str
    whole: bool = False
    repeats: Mapping[str, str] = field(default_factory=dict)
    signed: tuple[SignedBlock, ...] = ()
    tools: tuple[Tool, ...] = ()  # that it offers
    unknown: tuple[str, ...] = ()


Item = TextDelta | ChannelEnd | CallReady | OtherEvent


class StreamReader(Protocol):
    """Turns the events of one streamed completion into items, in order."""

    def read(self, event: SseEvent) -> list[Item]:
        """Return the items of one event. Raises Malformed on one that no completion of this dialect has."""

    def close(self) -> list[Item]:
        """Return what is due at the end. Raises Malformed when the completion had not ended."""

    def completion(self) -> Completion:
        """Return model, finish reason and usage as read so far; no parts."""


def json_event(document: Any, name: str = "") -> SseEvent:
    """Return an event whose data is `document`."""
    return SseEvent(serialize(document).decode(), name)
