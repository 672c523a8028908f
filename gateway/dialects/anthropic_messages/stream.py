"""`anthropic.messages` streams: content blocks as they open, grow and close, tool calls put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.dialects.anthropic_messages.bodies import (
    is_cut,
    is_known,
    read_block,
    read_call_parts,
    read_parts,
    read_usage,
)
from gateway.dialects.reading.calls import (
    plain_arguments,
    refuse_calls,
    refuse_unknown_call,
)
from gateway.dialects.reading.document import Malformed, parse, serialize
from gateway.dialects.reading.scalars import mapping, string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import (
    WITHHELD,
    CallReady,
    ChannelEnd,
    Item,
    OtherEvent,
    SignedBlock,
    TextDelta,
    json_event,
    ready_call,
)
from gateway.words import Completion, Part, Usage

# Which field of a delta, and of the block it belongs to, holds text.
_TEXT_DELTAS: Mapping[str, str] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "compaction_delta": "content",
}
_WHOLE_DELTAS: Mapping[str, str] = {"signature_delta": "signature", "citations_delta": "citation"}
_DELTA_FIELDS = frozenset((*_TEXT_DELTAS.values(), *_WHOLE_DELTAS.values(), "partial_json"))


@dataclass(slots=True)
class _Block:
    """An open content block: its start, the pieces of its input, and the text field that is being written."""

    start: dict[str, Any]
    is_call: bool
    is_known: bool
    pieces: list[str] = field(default_factory=list)
    channels: dict[str, str] = field(default_factory=dict)  # text field -> the type of its deltas


class AnthropicStream:
    """Reads one streamed message."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._opened: set[int] = set()
        self._started = self._done = self._failed = False
        self._model = self._stop_reason = ""
        self._counts: dict[str, Any] = {}
        self._withheld = 0  # calls
        self._doubtful: list[Item] = []  # a call with arguments that may have been cut off

    def read(self, event: SseEvent) -> list[Item]:
        if self._done or self._failed:
            raise Malformed("an event after the end of the stream")
        document = parse(event.data.encode())
        kind = document.get("type") if isinstance(document, dict) else None
        if not isinstance(kind, str) or event.event not in ("", kind):
            raise Malformed("expected an event to have one type, the same in its name and its data")
        if kind == "ping":
            return [_other(document)]
        if kind == "error":
            return self._fail(document)
        if kind == "message_start":
            return self._start(document)
        if not self._started:
            raise Malformed("expected message_start first")
        refuse_calls(document)
        if kind.startswith("content_block_") and self._stop_reason:
            raise Malformed("more of a message after its stop reason")
        if kind == "content_block_start":
            return self._open(document)
        if kind == "content_block_delta":
            return self._grow(document)
        if kind == "content_block_stop":
            return self._stop(document)
        if kind == "message_delta":
            return self._finish(document)
        if kind == "message_stop":
            return self._end(document)
        refuse_unknown_call(document)
        return [_other(document, kind)]

    def close(self) -> list[Item]:
        if not (self._done or self._failed):
            raise Malformed("the stream ended before the message did")
        return []

    def completion(self) -> Completion:
        usage = read_usage(self._counts) if self._counts else Usage()
        return Completion(
            model=self._model, finish_reason=self._stop_reason, usage=usage, withheld_calls=self._withheld
        )

    def _fail(self, document: dict[str, Any]) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do."""
        if not document.get("error") or document.keys() & {"message", "content_block", "delta"}:
            raise Malformed("expected an error to come without a message")
        refuse_calls(document)
        self._failed = True
        ends = [item for index, block in self._blocks.items() for item in _ends(index, block)]
        self._blocks.clear()
        return [*ends, _other(document)]

    def _start(self, document: dict[str, Any]) -> list[Item]:
        message = document.get("message")
        if self._started or not isinstance(message, dict) or message.get("content"):
            raise Malformed("expected one message_start, with a message that has no content yet")
        refuse_calls(message)
        self._started = True
        self._model = string(message, "model")
        self._count(message)
        self._counts.pop("output_tokens", None)  # of what has not been written yet it says 1
        return [_other(document)]

    def _open(self, document: dict[str, Any]) -> list[Item]:
        index, block = _index(document), document.get("content_block")
        before, self._doubtful = self._doubtful, []
        if index in self._opened or not isinstance(block, dict):
            raise Malformed("expected content_block_start to open a new block")
        self._opened.add(index)
        state = self._blocks[index] = _Block(block, read_block(block), is_known(block))
        if state.is_call:
            return before
        texts: list[Item] = []
        for delta_type, name in _TEXT_DELTAS.items():
            if isinstance(block.get(name), str) and block[name] and _takes(block["type"], delta_type):
                texts.append(_text(state, index, delta_type, block[name]))
                block[name] = ""
        return [*before, _other(document, "" if state.is_known else block["type"]), *texts]

    def _grow(self, document: dict[str, Any]) -> list[Item]:
        block, delta = self._blocks.get(_index(document)), document.get("delta")
        if block is None or not isinstance(delta, dict):
            raise Malformed("expected content_block_delta to grow an open block")
        kind = string(delta, "type")
        _refuse_other_fields(kind, delta, block)
        if block.is_call:
            return _take_input(block, kind, delta)
        if kind == "signature_delta":
            return self._sign(document, block)
        if kind in _WHOLE_DELTAS:
            return [_other(document, whole=True)]
        if kind not in _TEXT_DELTAS:
            refuse_unknown_call(delta)
            return [_other(document, kind)]
        return self._grow_text(document, block, delta)

    def _sign(self, document: dict[str, Any], block: _Block) -> list[Item]:
        """End the texts of the block: what follows is the signature under them."""
        index = document["index"]
        ends, texts = _ends(index, block), frozenset(f"{index}/{name}" for name in block.channels)
        block.channels.clear()
        seal = SignedBlock("/delta", texts, {"type": "signature_delta", "signature": WITHHELD})
        return [*ends, replace(_other(document, whole=True), signed=(seal,))]

    def _grow_text(self, document: dict[str, Any], block: _Block, delta: dict[str, Any]) -> list[Item]:
        name = _TEXT_DELTAS[delta["type"]]
        text = delta.get(name)
        if text is None:
            return [_other(document)]
        if not isinstance(text, str):
            raise Malformed("expected the text of a delta to be text")
        item = _text(block, document["index"], delta["type"], text)
        delta[name] = ""
        bare = document.keys() <= {"type", "index", "delta"} and delta.keys() <= {"type", name}
        return [item] if bare else [_other(document), item]

    def _stop(self, document: dict[str, Any]) -> list[Item]:
        index = _index(document)
        block = self._blocks.pop(index, None)
        if block is None:
            raise Malformed("expected content_block_stop to close an open block")
        if not block.is_call:
            return [*_ends(index, block), _other(document)]
        call = _call(index, block)
        if call.call.arguments:
            return [call]
        self._doubtful.append(call)  # why the message ends tells whether it was cut off
        return []

    def _finish(self, document: dict[str, Any]) -> list[Item]:
        delta = mapping(document, "delta")
        refuse_calls(delta)
        self._stop_reason = string(delta, "stop_reason") or self._stop_reason
        self._count(document)
        before, self._doubtful = self._doubtful, []
        if is_cut(self._stop_reason):
            left = {index: block for index, block in self._blocks.items() if not block.is_call}
            self._withheld += len(before) + len(self._blocks) - len(left)
            before, self._blocks = [], left
        return [*before, _other(document)]

    def _end(self, document: dict[str, Any]) -> list[Item]:
        if self._blocks:
            raise Malformed("the message ended inside a content block")
        self._done = True
        return [*self._doubtful, _other(document)]

    def _count(self, holder: Mapping[str, Any]) -> None:
        """Take the provider's counts, which are running totals: the last one counts."""
        self._counts.update(
            (key, count) for key, count in mapping(holder, "usage").items() if count is not None
        )


def _index(document: dict[str, Any]) -> int:
    index = document.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise Malformed("expected a content block to have an index")
    return index


def _refuse_other_fields(kind: str, delta: dict[str, Any], block: _Block) -> None:
    """Refuse a delta with the text of another type: some clients would add it to a block of that type.

    In a block of an unknown type a text is one like others.
    """
    own = {**_TEXT_DELTAS, **_WHOLE_DELTAS, "input_json_delta": "partial_json"}.get(kind)
    free = frozenset() if own or block.is_known else frozenset(_TEXT_DELTAS.values())
    if any(delta.get(name) for name in _DELTA_FIELDS - free if name != own):
        raise Malformed("a delta with the text of another type of delta")
    refuse_calls(delta)


def _takes(block_type: str, delta_type: str) -> bool:
    """Return whether the text that a block starts with is the beginning of what its deltas continue."""
    return delta_type == f"{block_type}_delta"


def _text(block: _Block, index: int, delta_type: str, text: str) -> TextDelta:
    name = _TEXT_DELTAS[delta_type]
    block.channels[name] = delta_type
    return TextDelta(f"{index}/{name}", _part(index, name, text), partial(_text_event, index, delta_type))


def _ends(index: int, block: _Block) -> list[Item]:
    return [
        ChannelEnd(f"{index}/{name}", _part(index, name, ""), partial(_text_event, index, delta_type))
        for name, delta_type in block.channels.items()
    ]


def _part(index: int, name: str, text: str) -> Part:
    return Part("assistant", "text" if name == "text" else "signed", f"/content/{index}/{name}", text)


def _text_event(index: int, delta_type: str, text: str) -> SseEvent:
    delta = {"type": delta_type, _TEXT_DELTAS[delta_type]: text}
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def _take_input(block: _Block, kind: str, delta: dict[str, Any]) -> list[Item]:
    piece = delta.get("partial_json")
    if kind in _TEXT_DELTAS or kind in _WHOLE_DELTAS:
        raise Malformed("a delta of a type that a tool call does not have")
    if kind != "input_json_delta":
        refuse_unknown_call(delta)
        return []  # it says something of a call that is held
    if not isinstance(piece, str):
        raise Malformed("expected a piece of a tool call's input to be text")
    block.pieces.append(piece)
    return []


def _call(index: int, block: _Block) -> CallReady:
    """Return the complete call. Some imitators send its input with the start of the block."""
    at = f"/content/{index}"
    start = {key: value for key, value in block.start.items() if key != "input"}
    raw = "".join(block.pieces)
    if not raw and block.start.get("input"):
        raw = serialize(block.start["input"]).decode()
    raw = plain_arguments(raw)
    return ready_call(at, start, raw, read_call_parts(start, at), partial(_call_events, index))


def _call_events(index: int, block: dict[str, Any], raw: str) -> list[SseEvent]:
    delta = {"type": "input_json_delta", "partial_json": raw}
    return [
        _event({"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}),
        _event({"type": "content_block_delta", "index": index, "delta": delta}),
        _event({"type": "content_block_stop", "index": index}),
    ]


def _event(document: dict[str, Any]) -> SseEvent:
    return json_event(document, document["type"])


def _other(document: dict[str, Any], unknown: str = "", *, whole: bool = False) -> OtherEvent:
    path, kinds = partial(_path, document.get("index")), (unknown,) if unknown else ()
    return OtherEvent(_event(document), document, read_parts(document)[0], path, whole, unknown=kinds)


def _path(index: Any, pointer: str) -> str:
    """Put the index of the block before the pointer."""
    return f"{index}{pointer}"
