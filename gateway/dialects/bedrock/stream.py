"""`bedrock.converse` streams: content blocks as they open, grow and close, tool calls put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.dialects.bedrock.bodies import (
    held,
    is_cut,
    read_call_parts,
    read_parts,
    read_usage,
    unknown_members,
)
from gateway.dialects.bedrock.frames import is_exception
from gateway.dialects.reading.calls import (
    plain_arguments,
    refuse_hidden_calls,
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

_DELTA = "contentBlockDelta"
_PADDING = "p"  # of each event, so that its length says nothing


@dataclass(slots=True)
class _Block:
    """An open content block: the call that it is, the pieces of its input, and the texts being written."""

    call: dict[str, Any] | None = None
    pieces: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)  # which: `text`, `reasoning`


class ConverseStream:
    """Reads one streamed message. A text may begin without a start of its block."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._closed: set[int] = set()
        self._started = self._failed = False
        self._stop_reason = ""
        self._usage = Usage()
        self._withheld = 0  # calls
        self._doubtful: list[CallReady] = []  # a call with arguments that may have been cut off

    def read(self, event: SseEvent) -> list[Item]:
        if self._failed:
            raise Malformed("an event after the provider's error")
        document, kind = parse(event.data.encode()), event.event
        if not isinstance(document, dict):
            raise Malformed("expected an event to be an object")
        document.pop(_PADDING, None)
        if is_exception(event):
            return self._fail(kind, document)
        if kind == "messageStart":
            return self._start(document)
        if not self._started:
            raise Malformed("expected messageStart first")
        if self._stop_reason and kind != "metadata":
            raise Malformed("more of a message after its stop reason")
        match kind:
            case "contentBlockStart":
                return self._open(document)
            case "contentBlockDelta":
                return self._grow(document)
            case "contentBlockStop":
                return self._stop(document)
            case "messageStop":
                return self._finish(document)
            case "metadata":
                self._usage = read_usage(mapping(document, "usage"))
                refuse_hidden_calls(document)
                return [_other(kind, document)]
        refuse_unknown_call({**document, "type": kind})
        return [_other(kind, document, unknown=(kind,))]

    def close(self) -> list[Item]:
        if not (self._stop_reason or self._failed):
            raise Malformed("the stream ended before the message did")
        return []

    def completion(self) -> Completion:
        return Completion(finish_reason=self._stop_reason, usage=self._usage, withheld_calls=self._withheld)

    def _fail(self, kind: str, document: dict[str, Any]) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do."""
        refuse_hidden_calls(document)
        self._failed = True
        ends = [end for index, block in self._blocks.items() for end in _ends(index, block)]
        return [*ends, _other(kind, document)]

    def _start(self, document: dict[str, Any]) -> list[Item]:
        if self._started:
            raise Malformed("expected one messageStart")
        refuse_hidden_calls(document)
        self._started = True
        return [_other("messageStart", document)]

    def _open(self, document: dict[str, Any]) -> list[Item]:
        index, start = _index(document), document.get("start")
        if index in self._blocks or index in self._closed or not isinstance(start, dict):
            raise Malformed("expected contentBlockStart to open a new block")
        before, self._doubtful = self._doubtful, []
        refuse_hidden_calls({key: value for key, value in document.items() if key != "start"})
        call = start["toolUse"] if held(start) == "toolUse" else None
        self._blocks[index] = _Block(call)
        return [*before, *([] if call else [_other("contentBlockStart", document, unknown_members(start))])]

    def _grow(self, document: dict[str, Any]) -> list[Item]:
        index, delta = _index(document), document.get("delta")
        if index in self._closed or not isinstance(delta, dict):
            raise Malformed("expected contentBlockDelta to grow an open block")
        before: list[Item] = []
        if index not in self._blocks:
            before, self._doubtful = [*self._doubtful], []
        block = self._blocks.setdefault(index, _Block())
        if block.call is not None:
            _take_input(block, document, delta)
            return []
        refuse_hidden_calls(document)
        return [*before, *self._grow_other(index, block, document, delta)]

    def _grow_other(
        self, index: int, block: _Block, document: dict[str, Any], delta: dict[str, Any]
    ) -> list[Item]:
        said = [key for key, value in delta.items() if value is not None]
        if len(said) != 1 or "toolUse" in said:
            raise Malformed("expected a delta of one kind, and that of its block")
        thought = mapping(delta, "reasoningContent")
        name, text = ("reasoning", thought.get("text")) if thought else ("text", delta.get("text"))
        if text is not None:
            if not isinstance(text, str) or (
                thought and any(thought[key] for key in thought if key != "text")
            ):
                raise Malformed("expected the text of a delta to be text, and alone")
            block.texts.add(name)
            item = TextDelta(f"{index}/{name}", _part(index, name, text), partial(_text_event, index, name))
            bare = document.keys() <= {"contentBlockIndex", "delta"}
            rest = {key: value for key, value in document.items() if key != "delta"}
            return [item] if bare else [_other(_DELTA, rest), item]
        if thought:
            return self._sign(index, block, document, thought)
        if said[0] in ("citation", "toolResult", "image"):
            return [_other(_DELTA, document, whole=True)]
        held(delta)
        return [_other(_DELTA, document, unknown_members(delta))]

    def _sign(
        self, index: int, block: _Block, document: dict[str, Any], thought: Mapping[str, Any]
    ) -> list[Item]:
        """End what was thought: what follows is the signature under it."""
        ends = [end for end in _ends(index, block) if end.channel.endswith("/reasoning")]
        block.texts.discard("reasoning")
        seal = SignedBlock(
            "/delta/reasoningContent", frozenset({f"{index}/reasoning"}), {next(iter(thought)): WITHHELD}
        )
        return [*ends, replace(_other(_DELTA, document, whole=True), signed=(seal,))]

    def _stop(self, document: dict[str, Any]) -> list[Item]:
        index = _index(document)
        block = self._blocks.pop(index, None)
        if block is None:
            raise Malformed("expected contentBlockStop to close an open block")
        refuse_hidden_calls(document)
        self._closed.add(index)
        if block.call is None:
            return [*_ends(index, block), _other("contentBlockStop", document)]
        call = _call(index, block.call, block)
        if call.call.arguments:
            return [call]
        self._doubtful.append(call)  # why the message ends tells whether it was cut off
        return []

    def _finish(self, document: dict[str, Any]) -> list[Item]:
        self._stop_reason = string(document, "stopReason")
        if not self._stop_reason:
            raise Malformed("expected messageStop to have a reason")
        refuse_hidden_calls(document)
        before, self._doubtful = self._doubtful, []
        if is_cut(self._stop_reason):
            cut = [index for index, block in self._blocks.items() if block.call is not None]
            self._withheld += len(before) + len(cut)
            before = []
            for index in cut:
                del self._blocks[index]
        if any(block.call is not None for block in self._blocks.values()):
            raise Malformed("the message ended inside a tool call")
        ends = [end for index, block in self._blocks.items() for end in _ends(index, block)]
        self._blocks.clear()
        return [*before, *ends, _other("messageStop", document)]


def _index(document: dict[str, Any]) -> int:
    index = document.get("contentBlockIndex")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise Malformed("expected a content block to have an index")
    return index


def _take_input(block: _Block, document: dict[str, Any], delta: dict[str, Any]) -> None:
    piece = mapping(delta, "toolUse").get("input")
    is_bare = delta.keys() == {"toolUse"} and delta["toolUse"].keys() == {"input"}
    if not isinstance(piece, str) or not is_bare:
        raise Malformed("expected a piece of a tool call's input to be text, and alone")
    refuse_hidden_calls({key: value for key, value in document.items() if key != "delta"})
    block.pieces.append(piece)


def _ends(index: int, block: _Block) -> list[ChannelEnd]:
    return [
        ChannelEnd(f"{index}/{name}", _part(index, name, ""), partial(_text_event, index, name))
        for name in sorted(block.texts)
    ]


def _part(index: int, name: str, text: str) -> Part:
    at = f"/output/message/content/{index}"
    if name == "text":
        return Part("assistant", "text", f"{at}/text", text)
    return Part("assistant", "signed", f"{at}/reasoningContent/reasoningText/text", text, block=at)


def _text_event(index: int, name: str, text: str) -> SseEvent:
    delta = {"text": text} if name == "text" else {"reasoningContent": {"text": text}}
    return json_event({"contentBlockIndex": index, "delta": delta}, _DELTA)


def _call(index: int, start: dict[str, Any], block: _Block) -> CallReady:
    """Return the complete call. Some imitators send its input with the start of the block."""
    at = f"/output/message/content/{index}/toolUse"
    given = start.get("input")
    start = {key: value for key, value in start.items() if key != "input"}
    raw = "".join(block.pieces)
    if given and raw.strip():
        raise Malformed("a tool call with two inputs")
    raw = plain_arguments(serialize(given).decode() if given else raw)
    return ready_call(at, start, raw, read_call_parts(start, at), partial(_call_events, index))


def _call_events(index: int, call: dict[str, Any], raw: str) -> list[SseEvent]:
    where = {"contentBlockIndex": index}
    return [
        json_event({**where, "start": {"toolUse": call}}, "contentBlockStart"),
        json_event({**where, "delta": {"toolUse": {"input": raw}}}, _DELTA),
        json_event(where, "contentBlockStop"),
    ]


def _other(
    kind: str, document: dict[str, Any], unknown: Sequence[str] = (), *, whole: bool = False
) -> OtherEvent:
    path = partial(_path, document.get("contentBlockIndex"))
    parts = read_parts(document)[0]
    return OtherEvent(json_event(document, kind), document, parts, path, whole, unknown=tuple(unknown))


def _path(index: Any, pointer: str) -> str:
    """Put the index of the block before the pointer."""
    return f"{index}{pointer}"
