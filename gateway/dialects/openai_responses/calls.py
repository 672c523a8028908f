"""A tool call of a stream: held from its first event to its last, then told again once it is decided."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.dialects.openai_responses.bodies import read_item
from gateway.dialects.openai_responses.items import RESULTS, read_call
from gateway.dialects.reading.calls import plain_arguments
from gateway.dialects.reading.document import put
from gateway.dialects.reading.scalars import string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, json_event

# The member of a call that its deltas write, and the events that do.
_GROWING: Mapping[str, tuple[str, str]] = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}


@dataclass(slots=True)
class HeldCall:
    """A call that has begun. Its deltas are kept for providers whose last event does not repeat them.

    `progress` are the events that say how far the provider has come with a call of its own.
    """

    numbers: list[Any]  # of its first event and of the last one so far
    progress: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def take(self, event: dict[str, Any]) -> None:
        """Keep an event of the call."""
        self.numbers[1:] = [event.get("sequence_number")]
        kind = event["type"]
        if kind.endswith(".delta"):
            self.pieces.append(string(event, "delta"))
        elif not kind.endswith((".done", ".added")):
            self.progress.append(event)

    def complete(self, item: dict[str, Any]) -> None:
        """Put what the deltas said into an item that does not say it itself."""
        name, _ = _GROWING.get(item["type"], ("", ""))
        if name and not item.get(name) and any(self.pieces):
            item[name] = "".join(self.pieces)


def ready(index: int, item: dict[str, Any], numbers: list[Any], *, closes: bool) -> CallReady:
    """Return the complete call at this index; with `closes`, its events are all that the client gets of it.

    Without, the event that closes it follows. Raises Malformed when it is not clear what is called.
    """
    at = f"/output/{index}"
    if isinstance(item.get("arguments"), str):
        item["arguments"] = plain_arguments(item["arguments"])
    parts = read_item(item, at)
    raw = {part.pointer: part.text for part in parts}
    return CallReady(
        read_call(item, at, parts), parts, partial(_events, index, copy.deepcopy(item), raw, numbers, closes)
    )


def _events(
    index: int,
    item: dict[str, Any],
    raw: Mapping[str, str],
    numbers: list[Any],
    closes: bool,
    texts: Mapping[str, str],
) -> list[SseEvent]:
    """Return the call as it begins, and what its deltas say in one."""
    item = copy.deepcopy(item)
    for pointer, text in texts.items():
        if text != raw[pointer]:  # a number that is not masked stays one
            put(item, pointer.removeprefix(f"/output/{index}"), text)
    name, grows = _GROWING.get(item["type"], ("", ""))
    begun = {key: None if key in RESULTS else value for key, value in item.items()}
    if "status" in item:
        begun["status"] = "in_progress"
    if name:
        begun[name] = ""
    first, last = numbers[0], numbers[-1]
    events = [_event("response.output_item.added", index, first, item=begun)]
    if name and isinstance(item.get(name), str):
        of = {"item_id": item["id"]} if "id" in item else {}
        events.append(_event(f"{grows}.delta", index, last, **of, delta=item[name]))
        events.append(_event(f"{grows}.done", index, last, **of, **{name: item[name]}))
    if closes:
        events.append(_event("response.output_item.done", index, last, item=item))
    return events


def _event(kind: str, index: int, number: Any, **members: Any) -> SseEvent:
    numbered = {"sequence_number": number} if isinstance(number, int) else {}
    return json_event({"type": kind, "output_index": index, **members, **numbered}, kind)
