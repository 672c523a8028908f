"""`openai.responses` streams: items as they open, grow and close, and the events that repeat them whole.

Example, for the text `Hi Bob` in item 0 (each event names its type behind `response.`):

    1. output_item.added, content_part.added      go on: they say nothing yet
    2. output_text.delta `Hi `, `Bob`             pieces of the channel /output/0/content/0/text
    3. output_text.done `Hi Bob`                  ends the channel; its text repeats what the channel said
    4. content_part.done, output_item.done        repeat it too, and so does
    5. completed                                  with every item of the response

Where an event repeats a text that went on already, what went on is put in: masked and restored once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.dialects.openai_responses.bodies import items_of, read_finish, read_item, read_usage
from gateway.dialects.openai_responses.calls import HeldCall, ready
from gateway.dialects.openai_responses.event import (
    ADDED,
    DONE,
    HEAD,
    TERMINAL,
    TEXTS,
    begun_texts,
    head_of,
    index_of,
    part_pointer,
    stem,
    text_event,
    text_pointer,
    without_probabilities,
)
from gateway.dialects.openai_responses.grammar import RESPONSE
from gateway.dialects.openai_responses.items import check_part, is_call, read_call
from gateway.dialects.openai_responses.turns import ItemTurns
from gateway.dialects.reading.calls import refuse_calls
from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, ChannelEnd, Item, OtherEvent, TextDelta, json_event
from gateway.words import Completion, Part, ToolCall, Usage

_END = "[DONE]"  # OpenAI sends none; some imitators do
_BARE = {"type", "delta", "logprobs", *HEAD}


class ResponseStream:
    """Reads one streamed response."""

    def __init__(self) -> None:
        self._turns = ItemTurns()
        self._channels: dict[str, tuple[dict[str, Any], str, list[str]]] = {}  # open: head, event, pieces
        self._said: dict[
            str, str
        ] = {}  # texts that are over, and those of calls, by their place in the response
        self._held: dict[int, HeldCall] = {}
        self._calls: dict[int, ToolCall] = {}  # passed on to be decided
        self._ids: dict[int, tuple[Any, Any]] = {}  # of each item
        self._opened: set[int] = set()
        self._count = 0
        self._done = self._failed = self._closed = False
        self._model = self._finish = ""
        self._usage = Usage()

    def read(self, event: SseEvent) -> list[Item]:
        if event.data.strip() == _END and (self._done or self._failed) and not self._closed:
            self._closed = True
            return [OtherEvent(SseEvent(_END), None, ())]
        if self._done or self._closed:
            raise Malformed("an event after the end of the stream")
        document = parse(event.data.encode())
        kind = _kind(document)
        if event.event not in ("", kind):
            raise Malformed("expected an event to have one type, the same in its name and its data")
        if self._failed and kind not in TERMINAL:
            raise Malformed("an event after the provider's error")
        refuse_calls(document)
        without_probabilities(document)
        self._count += 1
        if kind == "error":
            return self._fail(document)
        if kind in TERMINAL:
            return self._finished(document)
        return [item for one in self._turns.order(document) for item in self._take(one)]

    def close(self) -> list[Item]:
        if not (self._done or self._failed):
            raise Malformed("the stream ended before the response did")
        return []

    def completion(self) -> Completion:
        return Completion(model=self._model, finish_reason=self._finish, usage=self._usage)

    def _fail(self, document: dict[str, Any]) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do."""
        if document.keys() & {"response", "item", "part", "delta"}:
            raise Malformed("expected an error to come without a response")
        self._failed = True
        self._held.clear()
        return [*self._ends(""), self._other(document)]

    def _finished(self, document: dict[str, Any]) -> list[Item]:
        """End the response: everything that is open ends, then come the calls that were not told before."""
        waiting = [] if self._failed else self._turns.close()
        items = [item for one in waiting for item in self._take(one)] + self._ends("")
        items += self._check_response(document, told=True)
        self._done = True
        response = document["response"]
        self._finish, self._usage = read_finish(response), read_usage(response)
        return [*items, self._other(document)]

    def _take(self, document: dict[str, Any]) -> list[Item]:
        kind = document["type"]
        if kind == ADDED:
            return self._open(document)
        if kind == DONE:
            return self._close(document)
        held = self._held.get(index_of(document)) if "output_index" in document else None
        if held:
            held.take(document)
            return []
        if "response" in document:
            return [*self._check_response(document, told=False), self._other(document)]
        if stem(kind) in TEXTS and kind.endswith(".delta"):
            return self._grow(document)
        if kind.endswith((".delta", ".done")) and _writes_call(stem(kind)):
            raise Malformed("a piece of a tool call that did not begin")
        if isinstance(document.get("item"), dict) and is_call(document["item"]):
            raise Malformed("an event that holds a tool call which did not begin")
        if isinstance(document.get("part"), dict):
            check_part(document["part"])
        return self._say(document)

    def _open(self, document: dict[str, Any]) -> list[Item]:
        index, item = index_of(document), document.get("item")
        if index in self._opened:
            raise Malformed("expected response.output_item.added to open a new item")
        self._opened.add(index)
        self._ids[index] = _ids(item)
        if is_call(item):
            self._held[index] = HeldCall([document.get("sequence_number")])
            return []
        return self._say(document)

    def _close(self, document: dict[str, Any]) -> list[Item]:
        index, item = index_of(document), document.get("item")
        held = self._held.pop(index, None)
        if is_call(item) != (held is not None) and index in self._opened:
            raise Malformed("an item that begins and ends as two different things")
        if index in self._calls:
            raise Malformed("an item that ends twice")
        self._ids[index] = _ids(item)
        if not isinstance(item, dict) or not is_call(item):
            return [*self._ends(f"/output/{index}"), self._other(document)]
        held = held or HeldCall([document.get("sequence_number")])
        self._opened.add(index)
        held.complete(item)
        call = self._ready(index, item, held.numbers, closes=False)
        return [call, *map(self._other, held.progress), self._other(document)]

    def _ready(self, index: int, item: dict[str, Any], numbers: list[Any], *, closes: bool) -> CallReady:
        call = ready(index, item, numbers, closes=closes)
        self._calls[index] = call.call
        self._said |= {part.pointer: part.text for part in call.parts if part.place == "value"}
        return call

    def _check_response(self, document: dict[str, Any], *, told: bool) -> list[Item]:
        """Compare the calls of a response with those that were passed on; with `told`, return the others.

        Raises Malformed when one is another call than was decided, or may not be told here.
        """
        response = document.get("response")
        if not isinstance(response, dict):
            raise Malformed("expected an event to carry a response")
        self._model = self._model or string(response, "model")
        refuse_calls(response)
        calls: list[Item] = []
        for at, item in items_of(response, "output"):
            if not is_call(item):
                continue
            index = self._index(item, at)
            if index in self._calls:
                place = f"/output/{index}"
                known, again = self._calls[index], read_call(item, place, read_item(item, place))
                if (known.name, known.arguments) != (again.name, again.arguments):
                    raise Malformed("a response repeats another tool call than it made")
            elif told:
                self._held.pop(index, None)
                calls.append(self._ready(index, item, [document.get("sequence_number")], closes=True))
            else:
                raise Malformed("a response that is not over holds a tool call which did not come")
        return calls

    def _grow(self, document: dict[str, Any]) -> list[Item]:
        text = document.get("delta")
        if not isinstance(text, str):
            raise Malformed("expected the delta of a text to be text")
        head = head_of(document)
        pointer = text_pointer(document)
        before = self._channels[pointer][0] if pointer in self._channels else {}
        is_new = {**before, "sequence_number": 0} != {**head, "sequence_number": 0}
        item = self._text(stem(document["type"]), head, pointer, text)
        document["delta"] = ""
        return [item] if not is_new and document.keys() <= _BARE else [self._other(document), item]

    def _text(self, grows: str, head: dict[str, Any], pointer: str, text: str) -> TextDelta:
        if pointer in self._said:
            raise Malformed("more of a text after its end")
        pieces = self._channels[pointer][2] if pointer in self._channels else []
        pieces.append(text)
        self._channels[pointer] = head, grows, pieces
        return TextDelta(pointer, _part(pointer, text), partial(text_event, head, grows))

    def _say(self, document: dict[str, Any]) -> list[Item]:
        """Return an event after the ends of the texts that it closes, and before those that it begins."""
        kind = document["type"]
        if kind.endswith(".done"):
            closes = text_pointer(document) if stem(kind) in TEXTS else part_pointer(document)
            return [*(self._ends(closes) if closes else []), self._other(document)]
        texts: list[Item] = []
        for grows, head, holder, member in begun_texts(document) if kind.endswith(".added") else ():
            if holder[member]:
                pointer = text_pointer({"type": f"{grows}.delta", **head})
                texts.append(self._text(grows, head, pointer, holder[member]))
                holder[member] = ""
        return [self._other(document), *texts]

    def _ends(self, below: str) -> list[Item]:
        """End the texts that stand at or below a place of the response."""
        ends: list[Item] = []
        for pointer in [one for one in self._channels if f"{one}/".startswith(f"{below}/")]:
            head, grows, pieces = self._channels.pop(pointer)
            self._said[pointer] = "".join(pieces)
            ends.append(ChannelEnd(pointer, _part(pointer, ""), partial(text_event, head, grows)))
        return ends

    def _other(self, document: dict[str, Any]) -> OtherEvent:
        """Return an event whose texts are its parts, but for those that repeat what was said before."""
        kind = document["type"]
        parts, repeats = [], {}
        for part in RESPONSE.read(document)[0]:
            place = self._repeated(document, part.pointer) if part.place == "value" else ""
            if part.text and self._said.get(place) == part.text:
                repeats[part.pointer] = place
            else:
                parts.append(part)
        whole = kind in TERMINAL or "response" in document or kind.endswith((".added", ".done"))
        path = f"{self._count}" if whole else f"{kind}/{[document.get(key) for key in HEAD[1:4]]}"
        return OtherEvent(
            json_event(document, kind), document, tuple(parts), partial(str.__add__, path), whole, repeats
        )

    def _repeated(self, document: dict[str, Any], pointer: str) -> str:
        """Return the place of the whole response that a place of an event may repeat; "" for none."""
        _, holder, *rest = pointer.split("/")
        if holder == "response" and rest[:1] == ["output"] and len(rest) > 2:
            index = self._index(document["response"]["output"][int(rest[1])], f"/{rest[1]}")
            return "/".join(("/output", str(index), *rest[2:]))
        if holder == "item" and "output_index" in document:
            return "/".join((f"/output/{index_of(document)}", *rest))
        if holder == "part" and part_pointer(document):
            return "/".join((part_pointer(document) or "", *rest))
        if not rest and TEXTS.get(stem(document["type"]), ("", "", ""))[2] == holder:
            return text_pointer(document)
        return ""

    def _index(self, item: Any, at: str) -> int:
        """Return the output index of an item of a response, where some providers leave others out."""
        index, ids = int(at.rpartition("/")[2]), _ids(item)
        if self._ids.get(index) == ids:
            return index
        return next((one for one, known in self._ids.items() if known == ids and any(ids)), index)


def _kind(document: Any) -> str:
    """Return the type of an event. Raises Malformed when it has none."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind is None and isinstance(document, dict) and document.get("error"):
        kind = document["type"] = "error"
    if not isinstance(kind, str):
        raise Malformed("expected an event to have a type")
    return kind


def _writes_call(grows: str) -> bool:
    """Return whether an event of this type writes a call: its arguments, its code, its command."""
    return "_call" in grows and "_call_output" not in grows


def _ids(item: Any) -> tuple[Any, Any]:
    return (item.get("id"), item.get("call_id")) if isinstance(item, dict) else (None, None)


def _part(pointer: str, text: str) -> Part:
    return Part("assistant", "text", pointer, text)
