"""Presidio's patterns and validators, run so that a timeout is an error and nothing ever asks the network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from gateway.detect.entities import addresses
from gateway.detect.entities.stock import (
    CryptoRecognizer,
    DateRecognizer,
    IpRecognizer,
    MedicalLicenseRecognizer,
    Pattern,
    PatternRecognizer,
    UkNinoRecognizer,
    UsBankRecognizer,
    UsItinRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
    url_recognizer,
)
from gateway.detect.matching.context import Context
from gateway.detect.matching.labels import Labels, Told, Vocabulary
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Match

# Presidio logs the text of some matches that it cannot validate.
logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)

# What names them in the head of a column, and what names other numbers that are written like one of them.
_WORDS = {
    "US_SSN": Vocabulary(r"ssns?|ss|socialsecurity\w*|social|security"),
    "US_PASSPORT": Vocabulary(r"passports?"),
}
_ARTICLES = Vocabulary(r"items?|dpci|tcin|sku|catalog|cas|ndc")
_OTHER, _NAMED, _SURE = 0.3, 0.5, 0.85
# A National Insurance number in a text that ends, which the next word may go on with.
_NINO_SPACE = " ?"  # in Presidio's pattern, between its groups
_NINO_GAP = r"(?: {0,2}| ?\r?\n {0,2})"
OPEN_NINO = (
    r"(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]"
    rf"(?:(?:{_NINO_GAP}|[.\-])\d{{2}}){{0,3}}(?: {{0,2}}| ?\r?\n? {{0,2}}|[.\-])$"
)


class _Ssn(UsSsnRecognizer):
    """Social security numbers, the sample 123-45-6789 included: users type it to see masking."""

    def invalidate_result(self, pattern_text: str) -> bool:
        digits = "".join(char for char in pattern_text if char.isdigit())
        if digits in ("123456789", "987654320", "078051120"):
            return len({char for char in pattern_text if not char.isdigit()}) > 1
        return bool(super().invalidate_result(pattern_text))


def _us_passport() -> PatternRecognizer:
    """Drop context words ("us", "document") that make a passport of nine digits almost anywhere."""
    return UsPassportRecognizer(context=["passport"])


def _uk_nino() -> PatternRecognizer:
    """Presidio knows one space between the groups: also two, the end of a line, dots or dashes throughout."""
    (stock,) = UkNinoRecognizer.PATTERNS
    dotted = stock.regex.replace(_NINO_SPACE, r"(?P<gap>[.\-])", 1).replace(_NINO_SPACE, "(?P=gap)")
    return UkNinoRecognizer(
        patterns=[
            Pattern("spaced", stock.regex.replace(_NINO_SPACE, _NINO_GAP), stock.score),
            Pattern("dotted", dotted, stock.score),
        ]
    )


# Entity by entity, so that what is looked for is a list one can read.
_RECOGNIZERS: dict[str, Callable[[], PatternRecognizer]] = {
    "US_SSN": _Ssn,
    "US_ITIN": UsItinRecognizer,
    "US_PASSPORT": _us_passport,
    "UK_NINO": _uk_nino,
    "IP_ADDRESS": IpRecognizer,
    "CRYPTO": CryptoRecognizer,
    "URL": url_recognizer,
    "DATE_TIME": DateRecognizer,
    "MEDICAL_LICENSE": MedicalLicenseRecognizer,
    "US_DRIVER_LICENSE": UsLicenseRecognizer,
    "US_BANK_NUMBER": UsBankRecognizer,
}


@dataclass(frozen=True)
class _Compiled:
    entity: str
    pattern: regex.Pattern[str]
    score: float
    recognizer: PatternRecognizer
    words: tuple[str, ...]


class PresidioPatterns:
    """The pattern recognizers that are switched on."""

    def __init__(self, off: Sequence[str]) -> None:
        self._patterns = [
            compiled
            for entity, make in _RECOGNIZERS.items()
            if entity not in off
            for compiled in _compile(entity, make())
        ]

    def patterns(self, *, folded: bool) -> list[regex.Pattern[str]]:
        """Return the patterns for the prefilter, for the text as it is written or folded."""
        return [compiled.pattern for compiled in self._patterns if (compiled.entity != "URL") is folded]

    def find(
        self, text: Candidates, folded: Candidates, context: Context, labels: Labels, deadline: Deadline
    ) -> Iterator[Match]:
        """Yield every match that its validator accepts, with context words counted in.

        What is written in ASCII is looked for in the folded text, where no letter of another script and no
        underscore hides its beginning.
        """
        found = set[tuple[str, int, int]]()
        for compiled in self._patterns:
            source = text if compiled.entity == "URL" else folded
            if not source.may_match(compiled.pattern):
                continue
            for match in source.matches(compiled.pattern, deadline):
                place = (compiled.entity, *match.span())
                if place in found:  # by a pattern that scores more
                    continue
                found.add(place)
                if compiled.entity == "IP_ADDRESS":
                    score = addresses.score(match.group(), text.text, match.start(), labels)
                elif (score := _validated(compiled, match.group())) > 0:
                    score = context.boosted(score, match.start(), compiled.words)
                    score = _told(compiled.entity, score, match.start(), labels)
                if score > 0:
                    yield Match(compiled.entity, "pii", score, match.start(), match.end())


def _told(entity: str, score: float, start: int, labels: Labels) -> float:
    """Return the score of a match as the head of its column, or the word before it, makes it."""
    words = _WORDS.get(entity)
    if words and score < _NAMED and labels.told(start, words) is Told.NAMED:
        return _NAMED
    if entity in ("US_SSN", "US_ITIN") and score < _SURE and labels.told(start, _ARTICLES) is Told.NAMED:
        return _OTHER
    return score


def _compile(entity: str, recognizer: PatternRecognizer) -> Iterator[_Compiled]:
    words = tuple(word.strip().lower() for word in recognizer.context or ())
    patterns = recognizer.patterns  # type: ignore[has-type]  # set in a constructor without types
    for pattern in sorted(patterns, key=lambda one: -one.score):
        compiled = regex.compile(pattern.regex, recognizer.global_regex_flags or 0)
        yield _Compiled(entity, compiled, pattern.score, recognizer, words)


def _validated(compiled: _Compiled, value: str) -> float:
    if not value or (compiled.entity != "URL" and compiled.recognizer.invalidate_result(value)):
        return 0.0
    if compiled.entity == "URL":  # its validator loads the public-suffix list over the network
        return compiled.score
    valid = compiled.recognizer.validate_result(value)
    return compiled.score if valid is None else float(bool(valid))
