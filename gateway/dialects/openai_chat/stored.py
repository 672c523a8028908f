"""Completions that a provider stored: one of them, a list, or the messages that one answers."""

from __future__ import annotations

from typing import Any

from gateway.dialects.openai_chat.bodies import message_calls, read_completion
from gateway.dialects.openai_chat.grammar import RESPONSE
from gateway.dialects.reading.calls import refuse_hidden_calls
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.joining import completion_below, joined_completions
from gateway.words import Completion

_CALLS = ("tool_calls", "function_call")


def read_answer(document: Any) -> Completion:
    """Return the completion of an answer: to a prompt, or to a request for what is stored.

    Raises Malformed when it is not shaped so that every tool call in it can be told.
    """
    if not isinstance(document, dict) or document.get("choices"):
        return read_completion(document)
    if not isinstance(document.get("data"), list):
        refuse_hidden_calls(document)
        return read_completion(document)
    around = {**document, "data": []}
    refuse_hidden_calls(around)
    return joined_completions(
        (
            read_completion(around),
            *(completion_below(_read_one(one), f"/data/{at}") for at, one in enumerate(document["data"])),
        )
    )


def _read_one(stored: Any) -> Completion:
    """Return a stored completion, or a message of one, which may repeat the calls of its history."""
    if not isinstance(stored, dict):
        raise Malformed("expected a list of stored objects")
    if stored.get("choices"):
        return read_completion(stored)
    refuse_hidden_calls({name: value for name, value in stored.items() if name not in _CALLS})
    parts, attachments = RESPONSE.read(stored, "", ("assistant", "text"))
    return Completion(parts, attachments, tool_calls=tuple(message_calls(stored, "", parts)))
