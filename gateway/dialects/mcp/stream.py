"""Streams of MCP: every event is one message, whole; a server's question is a tool call."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.dialects.mcp.bodies import read_completion
from gateway.dialects.reading.document import Malformed, parse, put, serialize
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady, Item, OtherEvent
from gateway.words import Completion

_LONGEST_ID = 1024  # characters


class MessageStream:
    """Reads one stream of a server's messages. It may end anywhere: its client asks for the rest by an id."""

    def read(self, event: SseEvent) -> list[Item]:
        if event.event not in ("", "message"):
            raise Malformed("an event that holds no message of MCP")
        event = replace(event, id=_cursor(event.id))
        if not event.data.strip():  # it tells the client by which id to come back
            return [OtherEvent(replace(event, data=""), None, ())]
        document = parse(event.data.encode())
        said = read_completion(document)
        if not isinstance(document, dict) or "jsonrpc" not in document:
            raise Malformed("expected an event to hold one message of JSON-RPC 2.0")
        event = replace(event, data=serialize(document).decode())
        if said.tool_calls:
            return _calls(event, document, said)
        return [OtherEvent(event, document, said.parts, whole=True, tools=said.tools)]

    def close(self) -> list[Item]:
        return []

    def completion(self) -> Completion:
        return Completion()


def _calls(event: SseEvent, document: dict[str, Any], said: Completion) -> list[Item]:
    """Return the message as its calls; the last one has all other parts, and carries the message."""
    texts: dict[str, Any] = {}

    def note(found: Mapping[str, Any]) -> list[SseEvent]:
        texts.update(found)
        return []

    def send(found: Mapping[str, Any]) -> list[SseEvent]:
        told = copy.deepcopy(document)
        for pointer, text in {**texts, **found}.items():
            told = put(told, pointer, text)
        return [replace(event, data=serialize(told).decode())]

    *others, last = said.tool_calls
    of_others = {pointer for call in others for pointer in call.pointers}
    items: list[Item] = [
        CallReady(call, tuple(part for part in said.parts if part.pointer in call.pointers), note)
        for call in others
    ]
    rest = tuple(part for part in said.parts if part.pointer not in of_others)
    return [*items, CallReady(last, rest, send)]


def _cursor(event_id: str) -> str:
    """Return an event's id, "" for what is text."""
    is_id = event_id.isascii() and event_id.isprintable() and " " not in event_id
    return event_id if is_id and len(event_id) <= _LONGEST_ID else ""
