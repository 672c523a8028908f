"""The chunks of `gemini.generate`: each part of a candidate is a piece, texts go on, calls are whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.dialects.gemini.bodies import held, read_completion
from gateway.dialects.gemini.grammar import CALLS, camel
from gateway.dialects.reading.chunks import ChunkPiece
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.scalars import mapping, mappings
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event
from gateway.dialects.reading.tokens import TokenReader
from gateway.words import Completion

_ENVELOPE = ("modelVersion", "responseId", "createTime")
_QUIET = frozenset((*_ENVELOPE, "candidates", "usageMetadata"))
_TOP = "top"  # in a row of tokens
_FIRST_SLOT = 2  # of a candidate's parts in the whole completion: thoughts and text come before


class CandidateChunks:
    """The chunks of one stream."""

    done = ""

    def __init__(self) -> None:
        self._envelope: dict[str, Any] | None = None
        self._slots: Counter[int] = Counter()
        self._tokens = TokenReader()

    def read(self, document: dict[str, Any]) -> Completion:
        return read_completion(document)

    def cut(self, document: dict[str, Any]) -> tuple[list[ChunkPiece], dict[str, Any] | None]:
        if self._envelope is None:
            self._envelope = {key: document[key] for key in _ENVELOPE if key in document}
        pieces: list[ChunkPiece] = []
        for candidate in document.get("candidates") or []:
            for key in ("logprobsResult", "logprobs_result"):  # they follow their text
                self._tokens.note(str(_index(candidate)), _rows(mapping(candidate, key)))
                candidate.pop(key, None)
            content = candidate.get("content") or {}
            for part in content.get("parts") or []:
                pieces += self._pieces(_index(candidate), part)
            if content.get("parts"):
                content["parts"] = [{"text": ""}]
        return pieces, None if pieces and not _says_more(document) else document

    def choices(self, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
        """Yield the candidates; a prompt that was blocked has one that is over."""
        for candidate in document.get("candidates") or []:
            yield str(_index(candidate)), bool(candidate.get("finishReason"))
        if not document.get("candidates") and document.get("promptFeedback"):
            yield "0", True

    def _pieces(self, index: int, part: dict[str, Any]) -> Iterator[ChunkPiece]:
        key = held(part)
        if key != "text":
            yield self._piece(index, part, is_call=camel(key) in CALLS)
            return
        thought = {"thought": part["thought"]} if "thought" in part else {}
        if part["text"]:
            slot, channel = (0, "thought") if part.get("thought") else (1, "text")
            document = self._document(index, {"text": part["text"], **thought})
            outer = f"/candidates/{index}/content/parts/{slot}"
            event = partial(_tokens_event, self._document(index, {"text": ""}))
            tokens = None if slot == 0 else self._tokens.take(str(index), part["text"], event)
            inner = "/candidates/0/content/parts/0"
            yield ChunkPiece(document, str(index), inner, outer, "/text", channel, tokens=tokens)
        about = {name: item for name, item in part.items() if name not in ("text", "thought")}
        if about:
            yield self._piece(index, {"text": "", **thought, **about})

    def _piece(self, index: int, part: dict[str, Any], *, is_call: bool = False) -> ChunkPiece:
        outer = f"/candidates/{index}/content/parts/{_FIRST_SLOT + self._slots[index]}"
        self._slots[index] += 1
        document = self._document(index, part)
        return ChunkPiece(document, str(index), "/candidates/0/content/parts/0", outer, is_call=is_call)

    def _document(self, index: int, part: dict[str, Any]) -> dict[str, Any]:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": index}
        return {**(self._envelope or {}), "candidates": [candidate]}


def _index(candidate: dict[str, Any]) -> int:
    index = candidate.get("index", 0)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise Malformed("expected a candidate to have an index")
    return index


def _rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each token that was chosen, under its own key the ones that were likely beside it."""
    beside = dict(mappings(result.get("topCandidates")))
    return [{**one, _TOP: beside.get(at)} for at, one in mappings(result.get("chosenCandidates"))]


def _tokens_event(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> SseEvent:
    """Return a chunk that says nothing, with what is told of tokens."""
    chosen = [{name: value for name, value in row.items() if name != _TOP} for row in rows]
    told = {"chosenCandidates": chosen, "topCandidates": [row[_TOP] for row in rows]}
    (candidate,) = document["candidates"]
    return json_event({**document, "candidates": [{**candidate, "logprobsResult": told}]})


def _says_more(document: dict[str, Any]) -> bool:
    """Return whether a chunk says more than its parts and a count of tokens that goes on."""
    if any(key not in _QUIET for key in document):
        return True
    return any(
        key not in ("content", "index") for candidate in document.get("candidates") or [] for key in candidate
    ) or any(
        key not in ("parts", "role")
        for candidate in document.get("candidates") or []
        for key in candidate.get("content") or {}
    )
