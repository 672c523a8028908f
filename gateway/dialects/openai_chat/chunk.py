"""One chunk of a streamed chat completion: what its choices hold, and new chunks of the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.dialects.reading.calls import refuse_calls
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event

_ENVELOPE = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_CHOICE = frozenset(("index", "delta", "finish_reason"))


def envelope_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return what every chunk of a completion says about it."""
    return {
        key: document[key]
        for key in _ENVELOPE
        if key in document and not isinstance(document[key], (dict, list))
    }


def checked(choice: Any) -> tuple[int, dict[str, Any]]:
    """Return the index and delta of a chunk's choice, and drop what is told of its tokens.

    That follows the text, which is cut anew. A message beside a delta says once more what was said so far.
    """
    if not isinstance(choice, dict) or choice.get("text") is not None:
        raise Malformed("expected a choice to be the delta of a chat completion")
    if choice.pop("message", None) is not None and not isinstance(choice.get("delta"), dict):
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


def says(delta: dict[str, Any]) -> bool:
    """Return whether a delta says anything but a role."""
    return any(value for key, value in delta.items() if key != "role")


def says_more(document: dict[str, Any], envelope: dict[str, Any]) -> bool:
    """Return whether a chunk says more than its envelope once text, calls and end are taken out."""
    known = {*envelope, "choices", "usage"}
    if any(value is not None and key not in known for key, value in document.items()):
        return True
    return any(
        any(value is not None for value in choice["delta"].values())
        or any(value is not None and key not in _CHOICE for key, value in choice.items())
        for choice in document["choices"]
    )


def split_end(document: dict[str, Any], envelope: dict[str, Any]) -> dict[str, Any] | None:
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


def tokens_event(envelope: dict[str, Any], index: int, key: str, items: Sequence[Any]) -> SseEvent:
    """Return a chunk that says nothing, with what is told of the tokens of `key`, content or refusal."""
    logprobs = {"content": None, "refusal": None, key: items}
    choice = {"index": index, "delta": {}, "logprobs": logprobs, "finish_reason": None}
    return json_event({**envelope, "choices": [choice]})


def delta_event(envelope: dict[str, Any], index: int, delta: Any) -> SseEvent:
    """Return a chunk whose one choice has this delta."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
    return json_event({**envelope, "choices": [choice]})
