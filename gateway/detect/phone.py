"""Phone numbers of several regions: one scan for candidates, then libphonenumber's verdict on each."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

import phonenumbers

# the matcher's own candidate pattern; there is no public way to share one scan between regions
from phonenumbers.phonenumbermatcher import (  # type: ignore[attr-defined]  # private, not in its stubs
    _PATTERN,
    _SECOND_NUMBER_START_PATTERN,
)

from gateway.detect.patterns import Deadline
from gateway.errors import ConfigError
from gateway.exchange import Span

_SCORE = 0.4  # Presidio's
_LEAST_DIGITS = 7
# seconds (10), milliseconds (13), microseconds (16) and nanoseconds (19) since 1970, from 2014 on: a German
# mobile number without its leading 0 has the same shape, a machine's clock is far more likely
_TIMESTAMP = re.compile(r"1[4-9]\d{8}(?:\d{3}){0,3}")
_DATE = re.compile(r"(?:19|20)\d{2}[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
_DATED = re.compile(r"(?:^|-)20\d{6}$")
_LETTER = re.compile(r"[A-Za-z_](?<![xX])")
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


class Phones:
    """Phone numbers that libphonenumber calls valid in one of the regions (ISO 3166 codes)."""

    def __init__(self, regions: Sequence[str]) -> None:
        unknown = sorted(set(regions) - set(phonenumbers.SUPPORTED_REGIONS))
        if unknown:
            raise ConfigError(
                f"detect.phone_regions: {', '.join(unknown)}: expected ISO 3166 codes such as US, GB, DE"
            )
        self._regions = tuple(regions)

    def find(self, text: str, covered: Sequence[Span], deadline: Deadline) -> Iterator[Span]:
        """Phone numbers outside the `covered` spans: asking whether a card number is a phone costs most."""
        for start, candidate in _candidates(text):
            deadline.left()
            end = start + len(candidate)
            if any(span.start <= start and end <= span.end for span in covered) or _is_not_a_phone(
                text, start, candidate
            ):
                continue
            yield from self._numbers(text, start, candidate)

    def _numbers(self, text: str, start: int, candidate: str) -> Iterator[Span]:
        found: set[tuple[int, int]] = set()
        # a number with its country code is the same in every region
        for region in self._regions[:1] if candidate.startswith("+") else self._regions:
            found.update(_in_region(text, start, candidate, region))
            if (start, start + len(candidate)) in found:
                break
        for first, last in found:
            if not any(a <= first and last <= b and (a, b) != (first, last) for a, b in found):
                yield Span("PHONE_NUMBER", "pii", _SCORE, first, last)


def _in_region(text: str, start: int, candidate: str, region: str) -> Iterator[tuple[int, int]]:
    """Every number of one region in the candidate: it may hold several, one after another."""
    matcher = phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID)
    end = start + len(candidate)
    while match := matcher._extract_match(candidate, start):
        yield match.start, match.end
        start, candidate = next(_candidates(text, match.end, end), (end, ""))
        if not candidate:
            return


def _candidates(text: str, at: int = 0, end: int = sys.maxsize) -> Iterator[tuple[int, str]]:
    while match := _PATTERN.search(text, at, end):
        candidate = match.group()
        second = _SECOND_NUMBER_START_PATTERN.search(candidate)
        if second:
            candidate = candidate[: second.start()]
        at = match.start() + len(candidate)
        if sum(char.isdigit() for char in candidate) >= _LEAST_DIGITS:
            yield match.start(), candidate


def _is_not_a_phone(text: str, start: int, candidate: str) -> bool:
    """Clock readings, dates, digits inside an identifier (`call_9f8e…`, a UUID, a dated model name)."""
    bare = candidate.strip()
    end = start + len(candidate)
    if _TIMESTAMP.fullmatch(bare) or _DATE.match(bare):
        return True
    if (start and _LETTER.match(text, start - 1, start)) or _LETTER.match(text, end, end + 1):
        return True
    if text[start - 1 : start] == "-" and _DATED.search(bare):
        return True
    return any(
        uuid.start() < end and start < uuid.end()
        for uuid in _UUID.finditer(text, max(0, start - 36), end + 36)
    )
