"""The lines of an Ollama stream: thoughts and text go on, tool calls are whole, the last one is done."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.dialects.ollama.bodies import read_completion
from gateway.dialects.reading.chunks import ChunkPiece
from gateway.dialects.reading.document import at, put
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion

_ENVELOPE = ("model", "created_at")


_Cut = Callable[[dict[str, Any], dict[str, Any], Iterator[int]], Iterator[ChunkPiece]]


class JsonLines:
    """The lines of one stream; `cut` takes the pieces out of one, given what is around them and numbers."""

    done = ""

    def __init__(self, cut: _Cut) -> None:
        self._cut = cut
        self._envelope: dict[str, Any] | None = None
        self._numbers = itertools.count()
        self._tokens = TokenReader()

    def read(self, document: dict[str, Any]) -> Completion:
        return read_completion(document)

    def choices(self, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
        yield "0", document.get("done") is True

    def cut(self, document: dict[str, Any]) -> tuple[list[ChunkPiece], dict[str, Any] | None]:
        self._tokens.note("", document.pop("logprobs", None))  # they follow their text
        if self._envelope is None:
            self._envelope = {key: document[key] for key in _ENVELOPE if key in document}
        pieces = [
            piece if piece.is_call else self._with_tokens(piece)
            for piece in self._cut(document, {**self._envelope, "done": False}, self._numbers)
        ]
        more = any(value and key not in (*_ENVELOPE, "message") for key, value in document.items())
        more = more or any(value and key != "role" for key, value in (document.get("message") or {}).items())
        return pieces, document if more or not pieces else None

    def _with_tokens(self, piece: ChunkPiece) -> ChunkPiece:
        pointer = piece.inner + piece.text
        event = partial(_tokens_event, put(copy.deepcopy(piece.document), pointer, ""))
        return replace(piece, tokens=self._tokens.take("", at(piece.document, pointer), event))


def _tokens_event(document: dict[str, Any], items: Sequence[Any]) -> SseEvent:
    return json_event({**document, "logprobs": items})


def chat_pieces(
    document: dict[str, Any], envelope: dict[str, Any], numbers: Iterator[int]
) -> Iterator[ChunkPiece]:
    """Take the texts and calls out of a line of a conversation."""
    message = document.get("message") or {}
    for key in ("thinking", "content"):
        if message.get(key):
            # clients read `content` of every message
            said = {"role": "assistant", "content": "", key: message[key]}
            yield ChunkPiece({**envelope, "message": said}, "0", "/message", "/message", f"/{key}", key)
            message[key] = ""
    for call in message.pop("tool_calls", None) or []:
        said = {"role": "assistant", "content": "", "tool_calls": [call]}
        outer = f"/message/tool_calls/{next(numbers)}"
        yield ChunkPiece({**envelope, "message": said}, "0", "/message/tool_calls/0", outer, is_call=True)


def generate_pieces(
    document: dict[str, Any], envelope: dict[str, Any], _: Iterator[int]
) -> Iterator[ChunkPiece]:
    """Take the texts out of a line of a text."""
    for key in ("thinking", "response"):
        if document.get(key):
            said = {**envelope, "response": "", key: document[key]}
            yield ChunkPiece(said, "0", "", "", f"/{key}", key)
            document[key] = ""
