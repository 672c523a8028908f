"""`openai.chat` streams: chunks of several choices, their text channels and the tool calls put together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.dialects.openai_chat.bodies import (
    read_call,
    read_call_parts,
    read_function_call,
    read_parts,
    read_usage,
)
from gateway.dialects.openai_chat.delta import DeltaTexts, Text
from gateway.dialects.reading.calls import plain_arguments, refuse_calls
from gateway.dialects.reading.document import Malformed, escape, parse, put
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, ChannelEnd, Item, OtherEvent, TextDelta, json_event
from gateway.words import Completion, Part, Usage

_DONE = "[DONE]"
_ENVELOPE = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_CHOICE = frozenset(("index", "delta", "finish_reason"))
_FUNCTION_CALL = ("function_call",)  # the slot of the legacy call, of which there is one
_CALL_TEXTS = ("arguments", "input", "name")  # grow from delta to delta


@dataclass(slots=True)
class _Choice:
    """What one choice has open: its channels by path, and its calls by slot, in the order they came."""

    texts: DeltaTexts = field(default_factory=DeltaTexts)
    channels: dict[tuple[str, ...], Callable[[str], SseEvent]] = field(default_factory=dict)
    calls: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    finished: bool = False


class OpenAIStream:
    """Reads one streamed chat completion."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._envelope: dict[str, Any] = {}
        self._done = self._failed = False
        self._model = self._finish_reason = ""
        self._usage = Usage()

    def read(self, event: SseEvent) -> list[Item]:
        if self._done:
            raise Malformed("an event after the end of the stream")
        if event.event not in ("", "message", "error"):
            raise Malformed("an event with a name that no chat completion has")
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
        return self._chunk(document)

    def close(self) -> list[Item]:
        if self._failed:
            return []
        finished = bool(self._choices) and all(choice.finished for choice in self._choices.values())
        if not (self._done or finished):
            raise Malformed("the stream ended before the completion did")
        return self._end_all()

    def completion(self) -> Completion:
        return Completion(model=self._model, finish_reason=self._finish_reason, usage=self._usage)

    def _fail(self, document: dict[str, Any], name: str) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do.

        Some come as a chunk, whose choices say nothing: what they said would reach clients unheld.
        """
        choices = document.get("choices") or []
        if not isinstance(choices, list):
            raise Malformed("expected the choices of an error to be a list")
        for choice in choices:
            if _says(_checked(choice)[1]):
                raise Malformed("expected an error to come without a completion")
        self._failed = True
        for choice in self._choices.values():
            choice.calls.clear()
        return [*self._end_all(), _frame(document, "error" if name == "error" else "")]

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
        envelope = {key: document[key] for key in _ENVELOPE if _is_scalar(document, key)}
        texts: list[Item] = []
        ends: list[int] = []
        held = False
        for choice in choices:
            index, delta = _checked(choice)
            state = self._choices.setdefault(index, _Choice())
            if _says(delta) and (state.finished or index in ends):
                raise Malformed("more of a choice after its finish reason")
            held |= self._take_calls(index, delta)
            texts += self._take_texts(index, delta, envelope)
            if choice.get("finish_reason"):
                ends.append(index)
                self._finish_reason = self._finish_reason or choice["finish_reason"]
        return self._ordered(document, envelope, texts, ends, held)

    def _ordered(
        self,
        document: dict[str, Any],
        envelope: dict[str, Any],
        texts: list[Item],
        ends: list[int],
        held: bool,
    ) -> list[Item]:
        """Put what a chunk opens before its text, and what it closes after it."""
        news = envelope != self._envelope or _says_more(document, envelope)
        self._envelope = envelope
        if not texts:
            quiet = held and not (ends or news or document.get("usage") is not None)
            return [*self._finish(ends), *([] if quiet else [_frame(document)])]
        after = _split_end(document, envelope)
        before: list[Item] = [_frame(document)] if news else []
        return [*before, *texts, *self._finish(ends), *([_frame(after)] if after else [])]

    def _take_texts(self, index: int, delta: dict[str, Any], envelope: dict[str, Any]) -> list[Item]:
        if not isinstance(delta.get("content"), (str, type(None))):
            raise Malformed("expected the content of a delta to be text")
        return [self._text(index, text, envelope) for text in self._choices[index].texts.take(delta)]

    def _text(self, index: int, text: Text, envelope: dict[str, Any]) -> TextDelta:
        frame = partial(_text_event, envelope, index, text.shape)
        self._choices[index].channels[text.path] = frame
        return TextDelta(_channel(index, text.path), _text_part(index, text.path, text.text), frame)

    def _take_calls(self, index: int, delta: dict[str, Any]) -> bool:
        """Move the pieces of tool calls out of a delta, into the calls they belong to."""
        calls = delta.pop("tool_calls", None)
        function = delta.pop("function_call", None)
        if calls is None and function is None:
            return False
        state = self._choices[index]
        if calls is not None and not isinstance(calls, list):
            raise Malformed("expected the tool calls of a delta to be a list")
        for piece in calls or []:
            slot = piece.pop("index", None) if isinstance(piece, dict) else None
            if not isinstance(slot, int) or isinstance(slot, bool) or slot < 0:
                raise Malformed("expected the piece of a tool call to have an index")
            _grow(state.calls.setdefault(("tool_calls", str(slot)), {}), piece)
        if function is not None:
            if not isinstance(function, dict):
                raise Malformed("expected a function call to be an object")
            _grow(state.calls.setdefault(_FUNCTION_CALL, {}), function)
        return True

    def _finish(self, indexes: list[int]) -> list[Item]:
        """Close the choices that have given their finish reason."""
        for index in indexes:
            self._choices[index].finished = True
        return [item for index in indexes for item in self._end(index)]

    def _end(self, index: int) -> list[Item]:
        """Close what the choice has open: its channels first, then its calls."""
        state = self._choices[index]
        items: list[Item] = [
            ChannelEnd(_channel(index, path), _text_part(index, path, ""), frame)
            for path, frame in state.channels.items()
        ]
        items += [self._call(index, slot, call) for slot, call in state.calls.items()]
        state.channels.clear()
        state.calls.clear()
        return items

    def _end_all(self) -> list[Item]:
        return [item for index in self._choices for item in self._end(index)]

    def _call(self, index: int, slot: tuple[str, ...], call: dict[str, Any]) -> CallReady:
        at = _call_pointer(index, slot)
        holder = call if slot == _FUNCTION_CALL else call.get("function")
        if isinstance(holder, dict) and isinstance(raw := holder.get("arguments", ""), str):
            holder["arguments"] = plain_arguments(raw)
        parts = read_call_parts(call, at)
        read = read_function_call if slot == _FUNCTION_CALL else read_call
        return CallReady(
            read(call, at, parts), parts, partial(_call_events, self._envelope, index, slot, call)
        )


def _checked(choice: Any) -> tuple[int, dict[str, Any]]:
    """Return the index and delta of a chunk's choice, and drop its token probabilities.

    They repeat the text in pieces where nothing can be found, and text is cut anew here, so that they would
    not stand beside the tokens they tell of.
    """
    if not isinstance(choice, dict) or choice.get("message") is not None or choice.get("text") is not None:
        raise Malformed("expected a choice to be the delta of a chat completion")
    index, delta = choice.get("index", 0), choice.get("delta")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise Malformed("expected a choice to have an index")
    if not isinstance(delta, (dict, type(None))):
        raise Malformed("expected a choice to have a delta")
    if not isinstance(choice.get("finish_reason"), (str, type(None))):
        raise Malformed("expected a finish reason to be text")
    if "logprobs" in choice:
        choice["logprobs"] = None
    if delta is None:
        delta = choice["delta"] = {}
    refuse_calls(choice)
    refuse_calls(delta, "tool_calls", "function_call")
    return index, delta


def _says(delta: dict[str, Any]) -> bool:
    return any(value for key, value in delta.items() if key != "role")


def _is_scalar(document: dict[str, Any], key: str) -> bool:
    return key in document and not isinstance(document[key], (dict, list))


def _says_more(document: dict[str, Any], envelope: dict[str, Any]) -> bool:
    """Return whether a chunk says more than its envelope once text, calls and end are taken out."""
    known = {*envelope, "choices", "usage"}
    if any(value is not None and key not in known for key, value in document.items()):
        return True
    return any(
        any(value is not None for value in choice["delta"].values())
        or any(value is not None and key not in _CHOICE for key, value in choice.items())
        for choice in document["choices"]
    )


def _split_end(document: dict[str, Any], envelope: dict[str, Any]) -> dict[str, Any] | None:
    """Move finish reasons and usage out of a chunk into one of their own, which goes after the text."""
    choices = []
    for choice in document["choices"]:
        if choice.get("finish_reason"):
            choices.append(
                {"index": choice.get("index", 0), "delta": {}, "finish_reason": choice["finish_reason"]}
            )
            choice["finish_reason"] = None
    usage = document.pop("usage", None)
    if not choices and usage is None:
        return None
    return {**envelope, "choices": choices, **({} if usage is None else {"usage": usage})}


def _frame(document: dict[str, Any], name: str = "") -> OtherEvent:
    indexes = [choice.get("index", 0) for choice in document.get("choices") or []]
    return OtherEvent(json_event(document, name), document, read_parts(document)[0], partial(_path, indexes))


def _path(indexes: list[int], pointer: str) -> str:
    """Put the index of the choice where the pointer has its place in the chunk."""
    head, _, rest = pointer.removeprefix("/choices/").partition("/")
    return f"/choices/{indexes[int(head)]}/{rest}" if pointer.startswith("/choices/") else pointer


def _channel(index: int, path: tuple[str, ...]) -> str:
    return f"{index}/{'/'.join(path)}"


def _text_part(index: int, path: tuple[str, ...], text: str) -> Part:
    return Part("assistant", "text", f"/choices/{index}/message/{'/'.join(map(escape, path))}", text)


def _delta_event(envelope: dict[str, Any], index: int, delta: Any) -> SseEvent:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
    return json_event({**envelope, "choices": [choice]})


def _text_event(
    envelope: dict[str, Any], index: int, shape: Callable[[str], dict[str, Any]], text: str
) -> SseEvent:
    return _delta_event(envelope, index, shape(text))


def _call_events(
    envelope: dict[str, Any],
    index: int,
    slot: tuple[str, ...],
    call: dict[str, Any],
    texts: Mapping[str, str],
) -> list[SseEvent]:
    """Return the complete call as one chunk."""
    call = copy.deepcopy(call)
    for pointer, text in texts.items():
        put(call, pointer.removeprefix(_call_pointer(index, slot)), text)
    if slot == _FUNCTION_CALL:
        return [_delta_event(envelope, index, {"function_call": call})]
    return [_delta_event(envelope, index, {"tool_calls": [{"index": int(slot[1]), **call}]})]


def _call_pointer(index: int, slot: tuple[str, ...]) -> str:
    return f"/choices/{index}/message/{'/'.join(slot)}"


def _grow(call: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add one delta of a call to what came before it."""
    for key, value in piece.items():
        known = call.get(key)
        if value is None or (value == "" and known is not None):
            continue
        if isinstance(value, dict) and isinstance(known, (dict, type(None))):
            _grow(call.setdefault(key, {}), value)
        elif key in _CALL_TEXTS and isinstance(value, str) and isinstance(known, (str, type(None))):
            call[key] = (known or "") + value
        elif key in _CALL_TEXTS or known not in (None, value):
            raise Malformed("the pieces of a tool call contradict each other")
        else:
            call[key] = value
