"""The tool calls of a choice, put together from the pieces in its deltas."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.dialects.openai_chat.bodies import (
    read_call,
    read_call_parts,
    read_function_call,
    unfinished_call,
)
from gateway.dialects.openai_chat.chunk import delta_event
from gateway.dialects.reading.calls import plain_arguments
from gateway.dialects.reading.document import Malformed, put
from gateway.dialects.reading.scalars import mapping, string
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import CallReady

_FUNCTION_CALL = ("function_call",)  # the slot of the legacy call, of which there is one
_TEXTS = ("arguments", "input", "name")  # grow from delta to delta


class GrowingCalls:
    """The calls of one choice by their slots, in the order they came."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, ...], dict[str, Any]] = {}
        self._slots: dict[int, int] = {}  # of the call that grows at each index
        self._last = -1  # the slot of the piece before
        self.withheld = 0  # of a choice that was cut off

    def take(self, delta: dict[str, Any]) -> bool:
        """Move the pieces of calls out of a delta; return whether it had any. Raises Malformed."""
        calls = delta.pop("tool_calls", None)
        function = delta.pop("function_call", None)
        if calls is not None and not isinstance(calls, list):
            raise Malformed("expected the tool calls of a delta to be a list")
        for piece in calls or []:
            if not isinstance(piece, dict):
                raise Malformed("expected the piece of a tool call to be an object")
            self._last = self._slot(piece, piece.pop("index", None))
            _grow(self._calls.setdefault(("tool_calls", str(self._last)), {}), piece)
        if function is not None:
            if not isinstance(function, dict):
                raise Malformed("expected a function call to be an object")
            _grow(self._calls.setdefault(_FUNCTION_CALL, {}), function)
        return calls is not None or function is not None

    def _slot(self, piece: dict[str, Any], index: Any) -> int:
        """Return the slot of the call that a piece belongs to. Raises Malformed.

        Some providers give no index, or give one to several calls: then a new id, or a name where there is
        no id, begins the next call.
        """
        if index is not None and (not isinstance(index, int) or isinstance(index, bool) or index < 0):
            raise Malformed("expected the index of a tool call to be a number")
        slot = self._last if index is None else self._slots.get(index, -1)
        known = self._calls.get(("tool_calls", str(slot)))
        if known is None or self._begins(piece, known, has_index=index is not None):
            slot = self._free(max(self._last + 1, 0) if index is None else index)
        if index is not None:
            self._slots[index] = slot
        return slot

    @staticmethod
    def _begins(piece: dict[str, Any], known: dict[str, Any], *, has_index: bool) -> bool:
        """Return whether a piece begins another call than the one known."""
        named = bool(string(mapping(piece, "function") or mapping(piece, "custom"), "name"))
        if piece.get("id"):
            return named and bool(known.get("id")) and piece["id"] != known["id"]
        return named and not has_index

    def _free(self, slot: int) -> int:
        while ("tool_calls", str(slot)) in self._calls:
            slot += 1
        return slot

    def end(self, index: int, envelope: dict[str, Any], *, is_cut: bool = False) -> list[CallReady]:
        """Return the calls of the choice at `index`, which are complete now. Raises Malformed.

        Of a choice that was cut off, those that are not complete are withheld.
        """
        if is_cut:
            self._withhold_unfinished()
        calls = [_ready(index, slot, call, envelope) for slot, call in self._calls.items()]
        self._calls.clear()
        return calls

    def _withhold_unfinished(self) -> None:
        last = next(reversed(self._calls), None)
        for slot, call in [*self._calls.items()]:
            whole = {"function": call} if slot == _FUNCTION_CALL else call
            if unfinished_call(whole, is_last=slot == last):
                del self._calls[slot]
                self.withheld += 1

    def drop(self) -> None:
        """Forget the calls, which will never be complete."""
        self._calls.clear()


def _ready(index: int, slot: tuple[str, ...], call: dict[str, Any], envelope: dict[str, Any]) -> CallReady:
    at = _pointer(index, slot)
    holder = call if slot == _FUNCTION_CALL else call.get("function")
    if isinstance(holder, dict) and isinstance(raw := holder.get("arguments", ""), str):
        holder["arguments"] = plain_arguments(raw)
    parts = read_call_parts(call, at)
    read = read_function_call if slot == _FUNCTION_CALL else read_call
    return CallReady(read(call, at, parts), parts, partial(_events, envelope, index, slot, call))


def _events(
    envelope: dict[str, Any],
    index: int,
    slot: tuple[str, ...],
    call: dict[str, Any],
    texts: Mapping[str, Any],
) -> list[SseEvent]:
    """Return the complete call as one chunk."""
    call = copy.deepcopy(call)
    for pointer, text in texts.items():
        put(call, pointer.removeprefix(_pointer(index, slot)), text)
    if slot == _FUNCTION_CALL:
        return [delta_event(envelope, index, {"function_call": call})]
    return [delta_event(envelope, index, {"tool_calls": [{"index": int(slot[1]), **call}]})]


def _pointer(index: int, slot: tuple[str, ...]) -> str:
    return f"/choices/{index}/message/{'/'.join(slot)}"


def _is_told_again(call: dict[str, Any], name: str) -> bool:
    """Return whether a name is no piece but all of it once more: pieces come before the arguments."""
    return call.get("name") == name and bool(call.get("arguments") or call.get("input"))


def _grow(call: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add one delta of a call to what came before it."""
    for key, value in piece.items():
        known = call.get(key)
        if value is None or (value == "" and known is not None):
            continue
        if isinstance(value, dict) and isinstance(known, (dict, type(None))):
            _grow(call.setdefault(key, {}), value)
        elif key in _TEXTS and isinstance(value, str) and isinstance(known, (str, type(None))):
            call[key] = known if key == "name" and _is_told_again(call, value) else (known or "") + value
        elif key in _TEXTS or known not in (None, value):
            raise Malformed("the pieces of a tool call contradict each other")
        else:
            call[key] = value
