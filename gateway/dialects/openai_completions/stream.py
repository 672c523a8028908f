"""The chunks of `openai.completions`: each choice goes on with a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.dialects.openai_completions.bodies import read_completion
from gateway.dialects.reading.chunks import ChunkPiece
from gateway.dialects.reading.document import Malformed
from gateway.words import Completion

_ENVELOPE = ("id", "object", "created", "model", "system_fingerprint")


class TextChunks:
    """The chunks of one stream."""

    done = "[DONE]"

    def __init__(self) -> None:
        self._envelope: dict[str, Any] | None = None

    def read(self, document: dict[str, Any]) -> Completion:
        return read_completion(document)

    def cut(self, document: dict[str, Any]) -> tuple[list[ChunkPiece], dict[str, Any] | None]:
        document.pop("obfuscation", None)  # padding that hides the length of a text: texts are cut anew here
        if self._envelope is None:
            self._envelope = {key: document[key] for key in _ENVELOPE if key in document}
        pieces = []
        for choice in document.get("choices") or []:
            if "logprobs" in choice:
                choice["logprobs"] = None  # they repeat the text in pieces, and it is cut anew here
            if choice.get("text"):
                pieces.append(_piece(self._envelope, _index(choice), choice["text"]))
                choice["text"] = ""
        return pieces, None if pieces and not _says_more(document) else document

    def choices(self, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
        for choice in document.get("choices") or []:
            yield str(_index(choice)), bool(choice.get("finish_reason"))


def _piece(envelope: dict[str, Any], index: int, text: str) -> ChunkPiece:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": None}
    document = {**envelope, "choices": [choice]}
    return ChunkPiece(document, str(index), "/choices/0", f"/choices/{index}", "/text", "text")


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
