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

from gateway.dialects.openai_responses.bodies import (
    items_of,
    read_finish,
    read_item,
    read_usage,
    withhold_unfinished,
)
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
    is_known,
    kind_of,
    part_pointer,
    stem,
    take_probabilities,
    text_event,
    text_pointer,
    tokens_event,
    writes_call,
)
from gateway.dialects.openai_responses.grammar import is_thought
from gateway.dialects.openai_responses.items import (
    THOUGHT,
    check_part,
    is_call,
    is_cut,
    is_unfinished_call,
    read_call,
)
from gateway.dialects.openai_responses.said import Said
from gateway.dialects.openai_responses.turns import ItemTurns
from gateway.dialects.reading.calls import refuse_calls, refuse_unknown_call
from gateway.dialects.reading.document import Malformed, parse
from gateway.dialects.reading.leaves import ASSISTANT
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, ChannelEnd, Item, OtherEvent, TextDelta
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion, Part, ToolCall, Usage

_END = "[DONE]"  # OpenAI sends none; some imitators do
_BARE = {"type", "delta", "logprobs", *HEAD}


class ResponseStream:
    """Reads one streamed response."""

    def __init__(self) -> None:
        self._turns = ItemTurns()
        self._channels: dict[str, tuple[dict[str, Any], str, list[str]]] = {}  # open: head, event, pieces
        self._said = Said()
        self._tokens = TokenReader()
        self._held: dict[int, HeldCall] = {}
        self._calls: dict[int, ToolCall] = {}  # passed on to be decided
        self._opened: set[int] = set()
        self._withheld: set[int] = set()  # calls that were cut off
        self._doubtful: dict[int, list[Item]] = {}  # calls with arguments that may have been cut off
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
        kind = kind_of(document)
        if event.event not in ("", kind):
            raise Malformed("expected an event to have one type, the same in its name and its data")
        if self._failed and kind not in TERMINAL:
            raise Malformed("an event after the provider's error")
        refuse_calls(document)
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
        return Completion(
            model=self._model,
            finish_reason=self._finish,
            usage=self._usage,
            withheld_calls=len(self._withheld),
        )

    def _fail(self, document: dict[str, Any]) -> list[Item]:
        """Pass on the provider's own error: texts that are held go out, incomplete calls never do."""
        if document.keys() & {"response", "item", "part", "delta"}:
            raise Malformed("expected an error to come without a response")
        self._failed = True
        self._drop_unfinished()
        return [*self._ends(""), self._said.event(document)]

    def _finished(self, document: dict[str, Any]) -> list[Item]:
        """End the response: everything that is open ends, then come the calls that were not told before."""
        waiting = [] if self._failed else self._turns.close()
        items = [item for one in waiting for item in self._take(one)] + self._ends("")
        cut = document.get("response")
        if isinstance(cut, dict) and is_cut(cut):
            self._drop_unfinished()
            left_out = withhold_unfinished(cut)
            self._withheld.update(self._said.index_of(item, at) for at, item in left_out)
        items += [*self._settled(), *self._check_response(document, told=True)]
        self._withheld.update(self._held)
        self._done = True
        response = document["response"]
        self._finish, self._usage = read_finish(response), read_usage(response)
        return [*items, self._said.event(document)]

    def _drop_unfinished(self) -> None:
        """Withhold the calls that the provider did not write to their end."""
        self._withheld.update(self._held, self._doubtful)
        for index in self._doubtful:
            del self._calls[index]
        self._held.clear()
        self._doubtful.clear()

    def _settled(self) -> list[Item]:
        """Return the calls whose arguments were not cut off, for more follows."""
        doubtful, self._doubtful = self._doubtful, {}
        return [item for items in doubtful.values() for item in items]

    def _take(self, document: dict[str, Any]) -> list[Item]:
        return [*self._settled(), *self._taken(document)]

    def _taken(self, document: dict[str, Any]) -> list[Item]:
        kind = document["type"]
        if kind == ADDED:
            return self._open(document)
        if kind == DONE:
            return self._close(document)
        held = self._held.get(index_of(document)) if "output_index" in document else None
        if held:
            held.take(document)
            return []
        if kind.endswith((".delta", ".done")) and writes_call(stem(kind)):
            raise Malformed("a piece of a tool call that did not begin")
        _refuse_call(document)
        if "response" in document:
            return [*self._check_response(document, told=False), self._said.event(document)]
        if stem(kind) in TEXTS and kind.endswith(".delta"):
            return self._grow(document)
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
        self._said.note_item(index, item)
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
        self._said.note_item(index, item)
        if not isinstance(item, dict) or not is_call(item):
            return [*self._ends(f"/output/{index}"), self._said.event(document)]
        held = held or HeldCall([document.get("sequence_number")])
        self._opened.add(index)
        held.complete(item)
        if item.get("status") == "incomplete" and is_unfinished_call(item, is_last=True):
            self._withheld.add(index)
            return []
        call = self._ready(index, item, held.numbers, closes=False)
        items: list[Item] = [call, *map(self._said.event, held.progress), self._said.event(document)]
        if call.call.arguments is not None:
            return items
        self._doubtful[index] = items  # how the response ends tells whether it was cut off
        return []

    def _ready(self, index: int, item: dict[str, Any], numbers: list[Any], *, closes: bool) -> CallReady:
        call = ready(index, item, numbers, closes=closes)
        self._calls[index] = call.call
        self._said.texts |= {part.pointer: part.text for part in call.parts if part.place == "value"}
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
            index = self._said.index_of(item, at)
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
        self._tokens.note(pointer, take_probabilities(document).get("/logprobs"))
        item = self._text(stem(document["type"]), head, pointer, text)
        document["delta"] = ""
        return [item] if not is_new and document.keys() <= _BARE else [self._said.event(document), item]

    def _text(self, grows: str, head: dict[str, Any], pointer: str, text: str) -> TextDelta:
        if pointer in self._said.texts:
            raise Malformed("more of a text after its end")
        pieces = self._channels[pointer][2] if pointer in self._channels else []
        pieces.append(text)
        self._channels[pointer] = head, grows, pieces
        place = f"{pointer.rpartition('/')[0]}/logprobs"
        tokens = self._tokens.take(pointer, text, partial(tokens_event, head, grows), place)
        self._said.tokens |= {place} if tokens else set()
        return TextDelta(pointer, _part(grows, pointer, text), partial(text_event, head, grows), tokens)

    def _say(self, document: dict[str, Any]) -> list[Item]:
        """Return an event after the ends of the texts that it closes, and before those that it begins."""
        kind = document["type"]
        if kind.endswith(".done"):
            closes = text_pointer(document) if stem(kind) in TEXTS else part_pointer(document)
            return [*(self._ends(closes) if closes else []), self._said.event(document)]
        texts: list[Item] = []
        for grows, head, holder, member in begun_texts(document) if kind.endswith(".added") else ():
            if holder[member]:
                pointer = text_pointer({"type": f"{grows}.delta", **head})
                texts.append(self._text(grows, head, pointer, holder[member]))
                holder[member] = ""
        return [self._said.event(document), *texts]

    def _ends(self, below: str) -> list[Item]:
        """End the texts that stand at or below a place of the response."""
        ends: list[Item] = []
        for pointer in [one for one in self._channels if f"{one}/".startswith(f"{below}/")]:
            head, grows, pieces = self._channels.pop(pointer)
            self._said.texts[pointer] = "".join(pieces)
            ends.append(ChannelEnd(pointer, _part(grows, pointer, ""), partial(text_event, head, grows)))
        return ends


def _refuse_call(document: dict[str, Any]) -> None:
    """Raise Malformed when an event that writes no call may hold one, which some client may run.

    Types that are known say what happens to a call that was told; those that are not may tell one.
    """
    kind = document["type"]
    beside = {key: value for key, value in document.items() if key != "response"}
    refuse_unknown_call({**beside, "type": ""} if is_known(kind) else beside)


def _part(grows: str, pointer: str, text: str) -> Part:
    role, kind = THOUGHT if is_thought(grows) else ASSISTANT
    return Part(role, kind, pointer, text)
