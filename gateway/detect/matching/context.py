"""Context words: a weak match counts for more after a word that names it ("ssn", "passport")."""

from __future__ import annotations

import re

# Presidio's own constants: LemmaContextAwareEnhancer adds 0.35 and lifts to at least 0.4.
_BOOST, _FLOOR, _CEILING = 0.35, 0.4, 1.0
_WORDS, _CHARACTERS = 5, 160
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STOP_WORDS = """
a an the is are was were be been of to in on at for and or with my your his her its our their this that it
as by from i you he she we they me him them do does did has have had will would can could not no
"""
_STOP = frozenset(_STOP_WORDS.split())


class Context:
    """The words before a match: a window of characters, so that the cost does not grow with the text."""

    def __init__(self, text: str, key: str = "") -> None:
        self._text = text
        self._near: dict[int, list[str]] = {}  # of each place that was asked about
        self._key = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", key))]

    def boosted(self, score: float, start: int, words: tuple[str, ...]) -> float:
        """Return the score of a match at `start`, raised when one of `words` is before it or in its key."""
        if not words or score >= _CEILING or not self._named(start, words):
            return score
        return min(max(score + _BOOST, _FLOOR), _CEILING)

    def _named(self, start: int, words: tuple[str, ...]) -> bool:
        near = self._near.get(start)
        if near is None:
            before = self._text[max(0, start - _CHARACTERS) : start].lower()
            near = self._near[start] = [word for word in _WORD.findall(before) if word not in _STOP][-_WORDS:]
        return any(word.startswith(words) for word in (*near, *self._key))
