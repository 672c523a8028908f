"""Phone numbers of several regions: one scan for candidates, then libphonenumber's verdict on each.

Example, for the regions US and DE: `call +1 415 555 2671 7 days a week, or 2024-01-15 030 1234567`

    1. candidates   `+1 415 555 2671 7`, `2024-01-15 030 1234567`    the library's pattern, scanned for once
    2. pieces       `+1 415 555 2671 7`, `030 1234567`               without dates, cut between two numbers
    3. evidence     a country code; groups as in Germany             digits alone are not even asked about
    4. regions      US (the country code is its own); US and DE      what has no room in a plan is not asked
    5. verdict      none, so the 7 goes: `+1 415 555 2671`; `030 1234567` in DE
    6. findings     PHONE_NUMBER at both, with the score of the evidence
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import phonenumbers
import regex

# the library tries these patterns of its own inside a candidate
from phonenumbers.phonenumbermatcher import _INNER_MATCHES  # private; not in its stubs
from phonenumbers.phonenumberutil import _VALID_PUNCTUATION

from gateway.detect.entities import phone_evidence as evidence
from gateway.detect.entities.phone_candidates import (
    INNER,
    LEAST_DIGITS,
    candidates,
    count_digits,
    is_not_a_phone,
    own_words,
    pieces,
    without_last_number,
)
from gateway.detect.entities.regions import codes
from gateway.detect.matching.labels import Labels, Told
from gateway.detect.matching.patterns import Deadline, is_in_a_uuid
from gateway.words import Match

# What has to be there: seven digits with no more than the library's punctuation between, or an extension.
PHONE_SIGNAL = regex.compile(
    rf"\d(?:[{_VALID_PUNCTUATION}]{{0,4}}\d){{6}}"
    r"|\d[ \t\xa0,]*(?:;ext=|e?xt|anexo|int|[x#~])|\d[- ]+\d{1,6}#"
)
_FEWEST_DIGITS = 4  # of a number that the library finds inside a candidate
_COUNTRY_CODE = 10  # characters that it stands in, a plus and some punctuation included
_PLAIN = frozenset("0123456789 -()./")
_ABROAD, _ENDS = re.compile(r"\+\d[\d \-.]+"), ",.;:)]\"'<"
_NOT_A_DIGIT = re.compile(r"\D+")
# What is dialed before an area in brackets: 8 (912) 345-67-89, 0 (212) 555 12 34.
_TRUNK = re.compile(r"[018] ?")
# An extension says nothing without its number.
_EXTENSION = re.compile(
    r"[ \t\xa0,;]*(?:;ext=|extn?|extensi[oó]n|xtn?|anexo|int|[x#~])[.: ]*\d{1,9}#?\Z", re.IGNORECASE
)


class Phones:
    """Phone numbers that libphonenumber calls valid in one of the regions (ISO 3166 codes)."""

    def __init__(self, regions: Sequence[str], threshold: float = 0) -> None:
        """Take the regions, and the score below which a number is not wanted. Raises ConfigError."""
        # regions that share one numbering plan (US and CA) give one answer
        plans: dict[tuple[int, str, str, str], _Region] = {}
        for code in codes(regions):
            plans.setdefault(_plan_of(code), _Region(code))
        self._regions = tuple(plans.values())
        self._wants_bare = threshold <= evidence.BARE

    def find(
        self,
        text: str,
        folded: str,
        covered: Sequence[Match],
        deadline: Deadline,
        within: range,
        labels: Labels,
    ) -> Iterator[Match]:
        """Yield phone numbers that reach into `within` and begin before its end, outside `covered`.

        To ask whether a card number is a phone number costs most; so would asking again, at each word of a
        stream, about those that are out or are yet to come.
        """
        spans = _Covered(covered)
        for start, candidate in candidates(folded):
            deadline.left()
            end = start + len(candidate)
            if start >= within.stop:
                return
            if end <= within.start or spans.cover(start, end):
                continue
            first, last = own_words(text, start, candidate)
            for at, piece in pieces(candidate[first:last]):
                begin = start + first + at
                if begin < within.stop and begin + len(piece) > within.start:
                    yield from self._numbers(text, begin, piece, labels)

    def _numbers(self, text: str, start: int, piece: str, labels: Labels) -> Iterator[Match]:
        if is_not_a_phone(text, start, piece) or evidence.is_address(piece):
            return
        abroad = evidence.has_country_code(text, start, piece)
        told = (
            None if abroad else evidence.told(text, start, labels)
        )  # it costs, and a country code says more
        groups = (
            told is not None
            and evidence.may_be_grouped(piece, told)
            and not evidence.is_amount(text, start, piece)
        )
        if not (abroad or (told and told > Told.NOTHING) or groups or self._wants_bare):
            return
        spans = self._valid(text, start, piece)
        if not spans and (shorter := without_last_number(text, start, piece)):
            yield from self._numbers(text, start, shorter, labels)
        elif not spans and evidence.is_of_any_country(piece):
            told = evidence.told(text, start, labels) if told is None else told
            if told is Told.NAMED:
                yield Match("PHONE_NUMBER", "pii", evidence.NAMED, start, start + len(piece))
        for first, last in spans:
            first = 0 if _TRUNK.fullmatch(piece[:first]) else first
            score = evidence.BARE
            if abroad or (told and told > Told.NOTHING):
                score = evidence.NAMED
            elif groups and self._is_grouped(piece[first:last]):
                score = evidence.GROUPED
            yield Match("PHONE_NUMBER", "pii", score, start + first, start + last)

    def _is_grouped(self, number: str) -> bool:
        """Return whether it is written as in one of the regions that have such a number."""
        if evidence.has_form(number):
            return True
        digits = [_NOT_A_DIGIT.sub("", number)]
        return any(
            evidence.is_grouped(number, region.code) for region in self._regions if region.has_room(digits)
        )

    def _valid(self, text: str, start: int, piece: str) -> list[tuple[int, int]]:
        """Return the numbers in the piece that a region has, as offsets in it, without extensions."""
        if _is_abroad(text, start, piece):
            return [] if is_in_a_uuid(text, start, start + len(piece)) else [(0, len(piece))]
        found: set[tuple[int, int]] = set()
        shapes = _shapes(piece)
        after = text[start + len(piece) : start + len(piece) + 8]
        for region in self._asked(piece):
            if shapes is None or region.has_room(shapes):
                found.update(region.numbers(piece, after))
            if (0, len(piece)) in found:
                break
        return [
            (first, first + len(_EXTENSION.sub("", piece[first:last])))
            for first, last in found
            if count_digits(piece[first:last]) >= LEAST_DIGITS
            and not any(a <= first and last <= b and (a, b) != (first, last) for a, b in found)
            and not is_in_a_uuid(text, start + first, start + last)
        ]

    def _asked(self, piece: str) -> Sequence[_Region]:
        """Return the regions to ask. A number with its country code needs one: all give the same answer.

        One written as +44(0)115 is two numbers to the library, and the second may be another line's.
        """
        if not piece.startswith("+") or "(0)" in piece:
            return self._regions
        digits = _NOT_A_DIGIT.sub("", piece[:_COUNTRY_CODE])
        own = (region for region in self._regions if digits.startswith(region.country))
        return [next(own, self._regions[0])]


def _is_abroad(text: str, start: int, piece: str) -> bool:
    """Return whether all of it is a valid number by its country code. The library's matcher takes longer."""
    behind = text[start + len(piece) : start + len(piece) + 1]
    if not _ABROAD.fullmatch(piece) or not (behind.isspace() or behind in _ENDS):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(piece))
    except phonenumbers.NumberParseException:
        return False


class _Region:
    """One region's numbers; what its numbering plan has no room for is not even asked about."""

    def __init__(self, code: str) -> None:
        self.code = code
        country, abroad, prefix, transform = _plan_of(code)
        self.country = str(country)
        numbers = "|".join(
            str(_metadata(region).general_desc.national_number_pattern)
            for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country]
        )
        national = f"(?:{prefix or ''})?(?:{numbers})" + (f"|(?:{prefix})\\d*" if transform else "")
        self._plan = re.compile(rf"(?:{abroad})\d+|(?:{country})?(?:{national})")

    def numbers(self, piece: str, after: str) -> Iterator[tuple[int, int]]:
        """Yield every number in the piece, as offsets in it: it may hold several, one after another."""
        matcher = _Matcher(piece + after, self.code, self.has_room)
        start, rest = 0, piece
        while match := matcher._extract_match(rest, start):
            yield match.start, match.end
            start, rest = next(candidates(piece, match.end), (0, ""))
            if not rest:
                return

    def has_room(self, shapes: Iterable[str]) -> bool:
        """Return whether any of these strings of digits may be a number here."""
        return any(self._plan.fullmatch(digits) for digits in shapes)


class _Matcher(phonenumbers.PhoneNumberMatcher):
    """The library's, which tries every stretch of a row of digits: most have no room in the plan."""

    def __init__(self, text: str, code: str, has_room: Callable[[Iterable[str]], bool]) -> None:
        super().__init__(text, code, leniency=phonenumbers.Leniency.VALID)
        self._has_room = has_room

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        if _PLAIN.issuperset(candidate) and not self._has_room([_NOT_A_DIGIT.sub("", candidate)]):
            return None
        return super()._parse_and_verify(candidate, offset)


def _shapes(piece: str) -> list[str] | None:
    """Return the digits of what the library would try of the piece; None when it holds other characters."""
    if not set(piece) <= _PLAIN:
        return None
    tried = [piece]
    for inner in _INNER_MATCHES if INNER.search(piece) else _INNER_MATCHES[-1:]:
        match = inner.search(piece)
        if match:
            tried.append(piece[: match.start()])
        while match:
            tried.append(match.group(1))
            match = inner.search(piece, match.start() + 1)
    return [digits for one in tried if len(digits := _NOT_A_DIGIT.sub("", one)) >= _FEWEST_DIGITS]


def _metadata(code: str) -> Any:
    """Return what the library knows of a region; it has it for each that it supports."""
    return phonenumbers.PhoneMetadata.metadata_for_region(code)


def _plan_of(code: str) -> tuple[int, str, str, str]:
    """Country code, prefix to dial abroad, national prefix, and how that one is rewritten."""
    plan = _metadata(code)
    return (
        plan.country_code,
        plan.international_prefix,
        plan.national_prefix_for_parsing,
        plan.national_prefix_transform_rule,
    )


class _Covered:
    """Where in a text other findings are; whether they cover a place is found in logarithmic time."""

    def __init__(self, spans: Sequence[Match]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []  # the furthest of this span and those before it
        for span in sorted(spans, key=lambda span: span.start):
            self._starts.append(span.start)
            self._ends.append(max(span.end, self._ends[-1] if self._ends else 0))

    def cover(self, start: int, end: int) -> bool:
        found = bisect_right(self._starts, start)
        return found > 0 and self._ends[found - 1] >= end
