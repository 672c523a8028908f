"""The entities that a configuration adds: words, patterns, check digits, words that have to stand near."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.config import CustomEntity
from gateway.detect.entities.checksums import CHECKSUMS
from gateway.detect.matching.context import Context
from gateway.detect.matching.linear import Linear
from gateway.detect.matching.patterns import Deadline
from gateway.errors import ConfigError
from gateway.words import Match

_SURE, _ALONE = (
    1.0,
    0.3,
)  # the second without one of its context words: below the threshold, unless that is low
_LONGEST_HOLD = 256  # characters; what is not complete after as many is not waited for in a stream
_WORD = re.compile(r"\w\w")
# Thai, Lao, Burmese, Khmer, Chinese and Japanese; Korean, whose particles follow without one
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CONTEXT_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Entity:
    settings: CustomEntity
    words: Linear | None
    patterns: tuple[Linear, ...]
    context: tuple[str, ...]
    is_valid: Callable[[str], bool]


class Custom:
    """The configured entities. Raises ConfigError on a setting that it refuses, naming it."""

    def __init__(self, custom: Sequence[CustomEntity], off: Sequence[str]) -> None:
        entities = [_compiled(entity, f"detect.custom[{index}]") for index, entity in enumerate(custom)]
        self._entities = [entity for entity in entities if entity.settings.entity not in off]

    def find(self, text: str, context: Context, deadline: Deadline) -> Iterator[Match]:
        """Yield every one in the text. Raises InspectionFailed when the deadline passes."""
        for entity in self._entities:
            for start, end in _places(entity, text, deadline):
                score = context.boosted(_ALONE, start, entity.context) if entity.context else _SURE
                yield Match(entity.settings.entity, entity.settings.category, score, start, end)

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Return where the first begins that more text may complete; the text's length when none does."""
        first = max(0, len(text) - _LONGEST_HOLD)
        end, opened = text[first:], [len(text)]
        for entity in self._entities:
            deadline.left()
            if entity.words:
                opened.append(first + entity.words.open_at(end, lambda at: not _in_word(text, first + at)))
            opened += (first + pattern.open_at(end, lambda _: True) for pattern in entity.patterns)
        return min(opened)


def _places(entity: _Entity, text: str, deadline: Deadline) -> Iterator[tuple[int, int]]:
    def is_word(start: int, end: int) -> bool:
        deadline.left()
        return not _in_word(text, start) and not _in_word(text, end)

    def is_valid(start: int, end: int) -> bool:
        deadline.left()
        return entity.is_valid(text[start:end])

    if entity.words:
        yield from entity.words.find(text, is_word)
    for pattern in entity.patterns:
        yield from pattern.find(text, is_valid)


def _in_word(text: str, at: int) -> bool:
    """Return whether a word goes on over this offset; scripts without spaces join theirs to others."""
    if not 0 < at < len(text):
        return False
    sides = text[at - 1 : at + 1]
    return _WORD.fullmatch(sides) is not None and len(_UNSPACED.findall(sides)) != 1


def _compiled(entity: CustomEntity, path: str) -> _Entity:
    words = sorted((word for word in entity.words if word.strip()), key=len, reverse=True)
    if len(words) < len(entity.words):
        raise ConfigError(f"{path}.words: {entity.entity}: expected words, found only blanks in one of them")
    for word in entity.context:
        if not _CONTEXT_WORD.fullmatch(word):
            raise ConfigError(f"{path}.context: {entity.entity}: expected single words, found {word!r}")
    if entity.checksum and not entity.patterns:
        raise ConfigError(f"{path}.checksum: {entity.entity}: expected patterns to apply it to, found none")
    joined = "|".join(map(_flexible, words))
    return _Entity(
        entity,
        _linear(f"(?i:{joined})", entity, f"{path}.words") if words else None,
        tuple(
            _linear(pattern, entity, f"{path}.patterns[{index}]")
            for index, pattern in enumerate(entity.patterns)
        ),
        tuple(word.lower() for word in entity.context),
        CHECKSUMS[entity.checksum],
    )


def _linear(pattern: str, entity: CustomEntity, path: str) -> Linear:
    try:
        return Linear(pattern)
    except ValueError as error:
        shown = pattern if len(pattern) <= 80 else f"{pattern[:77]}..."
        raise ConfigError(f"{path}: {entity.entity}: {shown!r}: {error}") from error


def _flexible(word: str) -> str:
    """Return a pattern for the word, with any white space between its parts."""
    return r"\s{1,8}".join(re.escape(part) for part in word.split())
