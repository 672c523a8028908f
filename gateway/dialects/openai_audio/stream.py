"""Streams of `openai.audio`: speech in events that are whole, or a transcript that grows.

Example of a transcript (each event names its type behind `transcript.text.`):

    1. delta `Hi `, delta `Bob`    pieces of one text
    2. done `Hi Bob`               repeats it: what went out is put in again
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.dialects.openai_audio.bodies import read_completion
from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.events import WholeEvents
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import ChannelEnd, Item, OtherEvent, TextDelta, json_event
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion, Part

_WHOLE = frozenset(("speech.audio.delta", "transcript.text.segment"))
_LAST = frozenset(("speech.audio.done", "transcript.text.done"))
_DELTA = "transcript.text.delta"
_CHANNEL = "text"
_TOKENS = "/logprobs"
_PART = Part("assistant", "text", "/text", "")


class AudioStream:
    """Reads one stream of speech, or of a transcript."""

    def __init__(self) -> None:
        self._events = WholeEvents(read_completion, _WHOLE, _LAST)
        self._end: ChannelEnd | None = None  # of the text, once it began
        self._around: tuple[Part, ...] | None = None  # what the last delta said beside its text
        self._tokens = TokenReader()
        self._told = False  # whether something was of tokens

    def read(self, event: SseEvent) -> list[Item]:
        if event.data.strip() == "[DONE]":
            return self._events.read(event)
        document = parse(event.data.encode())
        if isinstance(document, dict):
            told = document.pop("logprobs", None)  # they follow their text
            if document.get("type") == _DELTA and event.event in ("", _DELTA) and not document.get("error"):
                self._tokens.note(_CHANNEL, told)
                return self._delta(document, event.event)
        items = self._events.read(json_event(document, event.event))
        if self._end is None or not self._events.is_over:
            return items
        return [self._end, *(_repeating(item, told=self._told) for item in items)]

    def close(self) -> list[Item]:
        return self._events.close()

    def completion(self) -> Completion:
        return self._events.completion()

    def _delta(self, document: dict[str, Any], name: str) -> list[Item]:
        text = document.pop("delta", None)
        if not isinstance(text, str) or self._events.is_over:
            raise Malformed("expected the text of a transcript to be text, and to end with it")
        reshape = partial(_with_text, document, name)
        self._end = ChannelEnd(_CHANNEL, replace(_PART, text=""), reshape)
        beside, before = read_completion(document).parts, self._around  # ids, and keys that are not known
        self._around = beside
        # what stands around a text is looked at where it is another than before
        news = (
            []
            if beside == before
            else [OtherEvent(reshape(""), {**document, "delta": ""}, beside, whole=True)]
        )
        event = partial(_with_tokens, document, name)
        tokens = self._tokens.take(_CHANNEL, text, event, _TOKENS)
        self._told |= tokens is not None
        return [*news, TextDelta(_CHANNEL, replace(_PART, text=text), reshape, tokens)]


def _with_text(document: dict[str, Any], name: str, text: str) -> SseEvent:
    return json_event({**document, "delta": text}, name)


def _with_tokens(document: dict[str, Any], name: str, items: Sequence[Any]) -> SseEvent:
    return json_event({**document, "delta": "", "logprobs": items}, name)


def _repeating(item: Item, *, told: bool) -> Item:
    """Return the event that ends a transcript; its text is what went out before, and so are its tokens."""
    if not isinstance(item, OtherEvent) or not isinstance(item.document, dict):
        return item
    if not isinstance(item.document.get("text"), str):
        return item
    parts = tuple(part for part in item.parts if part.pointer != _PART.pointer)
    if told:
        item.document["logprobs"] = []
    tokens = {_TOKENS: _TOKENS} if told else {}
    return replace(item, parts=parts, repeats={_PART.pointer: _CHANNEL, **tokens})
