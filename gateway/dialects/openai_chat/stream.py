"""`openai.chat` streams: chunks of several choices, their text channels and the tool calls put together."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.dialects.openai_chat.bodies import is_cut, read_usage, refuse_calls_in_content
from gateway.dialects.openai_chat.calls import GrowingCalls
from gateway.dialects.openai_chat.chunk import (
    checked,
    delta_event,
    envelope_of,
    says,
    says_more,
    split_end,
    tokens_event,
)
from gateway.dialects.openai_chat.delta import DeltaTexts, Text, head_of, take_signed
from gateway.dialects.openai_chat.grammar import RESPONSE, THOUGHTS
from gateway.dialects.reading.calls import refuse_calls, refuse_unknown_call
from gateway.dialects.reading.document import Malformed, escape, parse
from gateway.dialects.reading.scalars import mapping, string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import (
    WITHHELD,
    ChannelEnd,
    Item,
    OtherEvent,
    SignedBlock,
    TextDelta,
    json_event,
)
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion, Kind, Part, Usage

_DONE = "[DONE]"
_WORD = re.compile("[A-Za-z]+(?:[._-][A-Za-z]+){0,7}")


@dataclass(slots=True)
class _Choice:
    """What one choice has open: its channels by path, and its calls."""

    texts: DeltaTexts = field(default_factory=DeltaTexts)
    channels: dict[tuple[str, ...], Callable[[str], SseEvent]] = field(default_factory=dict)
    calls: GrowingCalls = field(default_factory=GrowingCalls)
    finished: bool = False
    cut: bool = False


class OpenAIStream:
    """Reads one streamed chat completion."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._tokens = TokenReader()
        self._envelope: dict[str, Any] = {}
        self._done = self._failed = False
        self._model = self._finish_reason = ""
        self._usage = Usage()

    def read(self, event: SseEvent) -> list[Item]:
        if self._done:
            raise Malformed("an event after the end of the stream")
        if event.data.strip() == _DONE:
            self._done = True
            return [*self._end_all(), OtherEvent(SseEvent(_DONE), None, ())]
        if self._failed:
            raise Malformed("an event after the provider's error")
        document = parse(event.data.encode())
        if not isinstance(document, dict):
            raise Malformed("expected a chunk object")
        refuse_calls(document)
        if document.get("error"):
            return self._fail(document, event.event)
        if document.get("choices") is None:  # an addition of the provider's, or an end of its own
            return [self._addition(document, event.event)]
        return self._chunk(document)

    def close(self) -> list[Item]:
        if self._failed:
            return []
        finished = bool(self._choices) and all(choice.finished for choice in self._choices.values())
        if not (self._done or finished):
            raise Malformed("the stream ended before the completion did")
        return self._end_all()

    def completion(self) -> Completion:
        withheld = sum(choice.calls.withheld for choice in self._choices.values())
        return Completion(
            model=self._model,
            finish_reason=self._finish_reason,
            usage=self._usage,
            withheld_calls=withheld,
        )

    def _fail(self, document: dict[str, Any], name: str) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do.

        Some come as a chunk, whose choices say nothing: what they said would reach clients unheld.
        """
        choices = document.get("choices") or []
        if not isinstance(choices, list):
            raise Malformed("expected the choices of an error to be a list")
        for choice in choices:
            if says(checked(choice)[1]):
                raise Malformed("expected an error to come without a completion")
        self._failed = True
        for choice in self._choices.values():
            choice.calls.drop()
        return [*self._end_all(), _other(document, "error" if name == "error" else "")]

    def _addition(self, document: dict[str, Any], name: str) -> OtherEvent:
        """Return an event that is no chunk: a count of tokens, or something that the provider added.

        Its name goes on where it is a word: nothing looks for values in it.
        """
        refuse_unknown_call(document)
        name = name if _WORD.fullmatch(name) else ""
        if document.get("usage") is not None:
            self._usage = read_usage(document)
            return _other(document, name)
        kind = string(document, "type") or string(document, "object") or name or "event"
        return replace(_other(document, name), unknown=(kind,))

    def _chunk(self, document: dict[str, Any]) -> list[Item]:
        choices = document.get("choices")
        if not isinstance(choices, list):
            raise Malformed("expected a chunk to have choices")
        self._model = self._model or string(document, "model")
        if document.get("usage") is not None:
            self._usage = read_usage(document)
        document.pop(
            "obfuscation", None
        )  # padding that hides the length of a delta: deltas are cut anew here
        envelope = envelope_of(document)
        texts: list[Item] = []
        signed: list[Item] = []
        ends: list[int] = []
        held = False
        for choice in choices:
            probable = mapping(choice, "logprobs") if isinstance(choice, dict) else {}
            index, delta = checked(choice)
            for key, items in probable.items():
                self._tokens.note(_channel(index, (key,)), items)
            state = self._choices.setdefault(index, _Choice())
            if says(delta) and (state.finished or index in ends):
                raise Malformed("more of a choice after its finish reason")
            signatures = take_signed(delta)
            held |= state.calls.take(delta) or bool(signatures)
            texts += self._take_texts(index, delta, envelope)
            signed += self._sign(index, signatures, envelope)
            if choice.get("finish_reason"):
                ends.append(index)
                state.cut = is_cut(choice)
                self._finish_reason = self._finish_reason or choice["finish_reason"]
        return self._ordered(document, envelope, [*texts, *signed], ends, held)

    def _ordered(
        self,
        document: dict[str, Any],
        envelope: dict[str, Any],
        texts: list[Item],
        ends: list[int],
        held: bool,
    ) -> list[Item]:
        """Put what a chunk opens before its text, and what it closes after it."""
        news = envelope != self._envelope or says_more(document, envelope)
        self._envelope = envelope
        if not texts:
            quiet = held and not (ends or news or document.get("usage") is not None)
            return [*self._finish(ends), *([] if quiet else [_other(document)])]
        after = split_end(document, envelope)
        before: list[Item] = [_other(document)] if news else []
        return [*before, *texts, *self._finish(ends), *([_other(after)] if after else [])]

    def _take_texts(self, index: int, delta: dict[str, Any], envelope: dict[str, Any]) -> list[Item]:
        if not isinstance(delta.get("content"), (str, list, type(None))):
            raise Malformed("expected the content of a delta to be text or a list of parts")
        refuse_calls_in_content(delta.get("content"))
        return [self._text(index, text, envelope) for text in self._choices[index].texts.take(delta)]

    def _text(self, index: int, text: Text, envelope: dict[str, Any]) -> TextDelta:
        reshape = partial(_text_event, envelope, index, text.shape)
        self._choices[index].channels[text.path] = reshape
        name = _channel(index, text.path)
        tokens = self._tokens.take(name, text.text, partial(tokens_event, envelope, index, text.path[0]))
        return TextDelta(name, _text_part(index, text.path, text.text), reshape, tokens)

    def _sign(
        self, index: int, signatures: list[tuple[str, dict[str, Any]]], envelope: dict[str, Any]
    ) -> list[Item]:
        """End the thoughts of a choice that are signed, and return the event that signs them."""
        if not signatures:
            return []
        state, ends, seals = self._choices[index], list[Item](), list[SignedBlock]()
        for slot, (place, item) in enumerate(signatures):
            paths = state.texts.below(THOUGHTS, place)
            ends += [
                ChannelEnd(_channel(index, path), _text_part(index, path, ""), state.channels.pop(path))
                for path in paths
                if path in state.channels
            ]
            names = frozenset(_channel(index, path) for path in paths)
            at = f"/choices/0/delta/{THOUGHTS}/{slot}"
            seals.append(SignedBlock(at, names, {**head_of(item), "signature": WITHHELD}))
        event = delta_event(envelope, index, {THOUGHTS: [item for _, item in signatures]})
        return [*ends, replace(_other(parse(event.data.encode())), signed=tuple(seals))]

    def _finish(self, indexes: list[int]) -> list[Item]:
        """Close the choices that have given their finish reason."""
        for index in indexes:
            self._choices[index].finished = True
        return [item for index in indexes for item in self._end(index)]

    def _end(self, index: int) -> list[Item]:
        """Close what the choice has open: its channels first, then its calls."""
        state = self._choices[index]
        items: list[Item] = [
            ChannelEnd(_channel(index, path), _text_part(index, path, ""), reshape)
            for path, reshape in state.channels.items()
        ]
        state.channels.clear()
        return [*items, *state.calls.end(index, self._envelope, is_cut=state.cut)]

    def _end_all(self) -> list[Item]:
        return [item for index in self._choices for item in self._end(index)]


def _other(document: dict[str, Any], name: str = "") -> OtherEvent:
    indexes = [choice.get("index", 0) for choice in document.get("choices") or []]
    return OtherEvent(
        json_event(document, name), document, RESPONSE.read(document)[0], partial(_path, indexes)
    )


def _path(indexes: list[int], pointer: str) -> str:
    """Put the index of the choice where the pointer has its place in the chunk."""
    head, _, rest = pointer.removeprefix("/choices/").partition("/")
    return f"/choices/{indexes[int(head)]}/{rest}" if pointer.startswith("/choices/") else pointer


def _channel(index: int, path: tuple[str, ...]) -> str:
    return f"{index}/{'/'.join(path)}"


def _text_part(index: int, path: tuple[str, ...], text: str) -> Part:
    kind: Kind = "signed" if path[0] == THOUGHTS and len(path) > 1 else "text"
    return Part("assistant", kind, f"/choices/{index}/message/{'/'.join(map(escape, path))}", text)


def _text_event(
    envelope: dict[str, Any], index: int, shape: Callable[[str], dict[str, Any]], text: str
) -> SseEvent:
    return delta_event(envelope, index, shape(text))
