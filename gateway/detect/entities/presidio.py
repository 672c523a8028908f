"""Presidio's patterns and validators, run so that a timeout is an error and nothing ever asks the network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from gateway.detect.entities.stock import (
    CryptoRecognizer,
    DateRecognizer,
    IpRecognizer,
    MedicalLicenseRecognizer,
    NhsRecognizer,
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
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Candidates
from gateway.words import Match

# Presidio logs the text of some matches that it cannot validate.
logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)

_VERSION_BEFORE = regex.compile(
    r"(?:\b(?:v|ver|version|release|build)[\s.:=_]{0,3}|[=<>~]=\s?)$", regex.IGNORECASE
)
# A product's name, unless the number is like no version: 203.0.113.77 has two parts of three digits.
_NAME_BEFORE = regex.compile(
    r"(?:\w/|(?<=[a-z\d])(?<!(?:ip|v4|v6|addr|address|host|server|node|from|to|src|dst))_)$",
    regex.IGNORECASE,
)
_WIDE = regex.compile(r"(?:.*?\b\d{3}\b){2}")
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


class _Ip(IpRecognizer):
    """IP addresses but loopback, unspecified and netmask ones, which code examples are full of."""

    def invalidate_result(self, pattern_text: str) -> bool:
        if pattern_text.startswith(("127.", "0.", "255.")) or (":" in pattern_text and len(pattern_text) < 6):
            return True
        if "." not in pattern_text and not any(char.isdigit() for char in pattern_text):
            return True
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
    "IP_ADDRESS": _Ip,
    "CRYPTO": CryptoRecognizer,
    "URL": url_recognizer,
    "DATE_TIME": DateRecognizer,
    "UK_NHS": NhsRecognizer,
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
        self, text: Candidates, folded: Candidates, context: Context, deadline: Deadline
    ) -> Iterator[Match]:
        """Yield every match that its validator accepts, with context words counted in.

        What is written in ASCII is looked for in the folded text, where no letter of another script and no
        underscore hides its beginning.
        """
        for compiled in self._patterns:
            source = text if compiled.entity == "URL" else folded
            for match in source.matches(compiled.pattern, deadline):
                score = _validated(compiled, match.group())
                if score > 0 and not (compiled.entity == "IP_ADDRESS" and _is_version(text.text, match)):
                    score = context.boosted(score, match.start(), compiled.words)
                    yield Match(compiled.entity, "pii", score, match.start(), match.end())


def _compile(entity: str, recognizer: PatternRecognizer) -> Iterator[_Compiled]:
    words = tuple(word.strip().lower() for word in recognizer.context or ())
    for pattern in recognizer.patterns:  # type: ignore[has-type]  # set in a constructor without types
        compiled = regex.compile(pattern.regex, recognizer.global_regex_flags or 0)
        yield _Compiled(entity, compiled, pattern.score, recognizer, words)


def _validated(compiled: _Compiled, value: str) -> float:
    if not value or (compiled.entity != "URL" and compiled.recognizer.invalidate_result(value)):
        return 0.0
    if compiled.entity == "URL":  # its validator loads the public-suffix list over the network
        return compiled.score
    valid = compiled.recognizer.validate_result(value)
    return compiled.score if valid is None else float(bool(valid))


def _is_version(text: str, match: regex.Match[str]) -> bool:
    """Recognize `Chrome/120.0.0.0` and `version 1.2.3.4`, which look like addresses; `//10.0.0.1` is one."""
    before = text[max(0, match.start() - 12) : match.start()]
    named = _NAME_BEFORE.search(before) and not _WIDE.match(match.group())
    return bool(named or _VERSION_BEFORE.search(before))
