"""The chunks of `openai.completions`: each choice goes on with a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.dialects.openai_completions.bodies import read_completion
from gateway.dialects.reading.chunks import ChunkPiece
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.scalars import mapping
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import Tokens, json_event
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion

_ENVELOPE = ("id", "object", "created", "model", "system_fingerprint")


class TextChunks:
    """The chunks of one stream."""

    done = "[DONE]"

    def __init__(self) -> None:
        self._envelope: dict[str, Any] | None = None
        self._tokens = TokenReader()

    def read(self, document: dict[str, Any]) -> Completion:
        return read_completion(document)

    def cut(self, document: dict[str, Any]) -> tuple[list[ChunkPiece], dict[str, Any] | None]:
        document.pop("obfuscation", None)  # padding that hides the length of a text: texts are cut anew here
        if self._envelope is None:
            self._envelope = {key: document[key] for key in _ENVELOPE if key in document}
        pieces = []
        for choice in document.get("choices") or []:
            index, told = _index(choice), mapping(choice, "logprobs")
            self._tokens.note(str(index), _rows(told))
            if "logprobs" in choice:
                choice["logprobs"] = None  # they follow their text
            if text := choice.get("text"):
                event = partial(_tokens_event, self._envelope, index, [*told])
                tokens = self._tokens.take(str(index), text, event)
                pieces.append(_piece(self._envelope, index, text, tokens))
                choice["text"] = ""
        return pieces, None if pieces and not _says_more(document) else document

    def choices(self, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
        for choice in document.get("choices") or []:
            yield str(_index(choice)), bool(choice.get("finish_reason"))


def _piece(envelope: dict[str, Any], index: int, text: str, tokens: Tokens | None) -> ChunkPiece:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": None}
    document = {**envelope, "choices": [choice]}
    return ChunkPiece(document, str(index), "/choices/0", f"/choices/{index}", "/text", "text", tokens=tokens)


def _rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what columns tell of each token, one object for each."""
    columns = {("token" if name == "tokens" else name): column for name, column in told.items()}
    count = len(told["tokens"]) if isinstance(told.get("tokens"), list) else 0
    whole = {name: one for name, one in columns.items() if isinstance(one, list) and len(one) == count}
    return [{name: column[at] for name, column in whole.items()} for at in range(count)]


def _tokens_event(
    envelope: dict[str, Any], index: int, names: Sequence[str], rows: Sequence[dict[str, Any]]
) -> SseEvent:
    """Return a chunk that says nothing, with what is told of tokens in columns again."""
    columns = {name: [row.get("token" if name == "tokens" else name) for row in rows] for name in names}
    told = {
        name: column if any(one is not None for one in column) else None for name, column in columns.items()
    }
    choice = {"index": index, "text": "", "logprobs": told, "finish_reason": None}
    return json_event({**envelope, "choices": [choice]})


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index", 0)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise Malformed("expected a choice to have an index")
    return index


def _says_more(document: dict[str, Any]) -> bool:
    """Return whether a chunk says more than its envelope once its texts are taken out."""
    if any(value is not None and key not in (*_ENVELOPE, "choices") for key, value in document.items()):
        return True
    return any(
        value not in (None, "") and key != "index"
        for choice in document.get("choices") or []
        for key, value in choice.items()
    )
