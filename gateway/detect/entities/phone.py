"""Phone numbers of several regions: one scan for candidates, then libphonenumber's verdict on each."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import phonenumbers
import regex

# the matcher's own candidate pattern; there is no public way to share one scan between regions
from phonenumbers.phonenumbermatcher import (  # type: ignore[attr-defined]  # private, not in its stubs
    _INNER_MATCHES,
    _PATTERN,
    _SECOND_NUMBER_START_PATTERN,
)
from phonenumbers.phonenumberutil import _VALID_PUNCTUATION

from gateway.detect.matching.patterns import Deadline, is_in_a_uuid
from gateway.errors import ConfigError
from gateway.words import Match

_SCORE = 0.4  # Presidio's
# What has to be there: seven digits with no more than the library's punctuation between, or an extension.
PHONE_SIGNAL = regex.compile(
    rf"\d(?:[{_VALID_PUNCTUATION}]{{0,4}}\d){{6}}"
    r"|\d[ \t\xa0,]*(?:;ext=|e?xt|anexo|int|[x#~])|\d[- ]+\d{1,6}#"
)
_LEAST_DIGITS, _MOST_DIGITS = 7, 20  # with a prefix to dial abroad
_LONGEST_WITH_PREFIX = 18
_FEWEST_DIGITS = 4  # of a number that the library finds inside a candidate
# seconds (10), milliseconds (13), microseconds (16) and nanoseconds (19) since 1970, from 2014 on: a German
# mobile number without its leading 0 has the same shape, a machine's clock is far more likely
_TIMESTAMP = re.compile(r"1[4-9]\d{8}(?:\d{3}){0,3}")
_DATE = re.compile(r"(?:19|20)\d{2}[-./]?(?:0[1-9]|1[0-2])[-./]?(?:0[1-9]|[12]\d|3[01])(?!\d)")
# A date, a time or a clock's reading as a word of its own: what stands beside it is read without it.
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE_WORD = re.compile(
    rf"(?<!\S)(?:(?:19|20)\d{{2}}([-./])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    rf"|{_DAY}([-./]){_MONTH}\2(?:19|20)\d{{2}}|{_MONTH}([-./]){_DAY}\3(?:19|20)\d{{2}}|1[4-9]\d{{8}}(?:\d{{3}}){{1,3}})(?!\S)"
    r"|\A(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\S)"
)
# Alphabets of digits and the bounds of machine integers, which are valid numbers somewhere.
_CONSTANT = re.compile(r"0123456789|1234567890|214748364[78]|429496729[56]")
_SECONDS = re.compile(r"\d{2}\.\d{3,9}(?:[+\-]\d{2})?")  # behind a colon: 10:11:12.345678-03
_DATED = re.compile(r"(?:^|-)20\d{6}$")
# A fraction, or a number with one: 0.4155552671, [12345.678901, 48.208174
_DECIMAL = re.compile(r"[\[(]{0,2}(?:0\.\d+|(?:-\d+|[1-9]\d*)\.\d{3,})")
# Seven digits in a row are an amount, unless one of these words stands before.
_BARE = re.compile(r"\d{7}")
_SPOKEN_OF = re.compile(r"(?i:tele?f|phone|fon|mobil|handy|cell|fax|gsm|whatsapp|sms|call|tel\b|ruf)")
_LETTER = re.compile(r"[A-Za-z_](?<![xX])")
_TELLING = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:telefon|telephone|tel|phone|fon|mobile|mobil|handy|cell|fax|gsm|whatsapp|sms)(?i:_?(?:number|num|no|nr))?_{0,2}\Z"
)
_MONEY = regex.compile(r"[%\p{Sc}]")
# What may stand behind a number and be none of it: 7 (days a week), 24/7, (2) times.
_SHORT_WORD = re.compile(r"\s+[(]?\d{1,4}[)]?(?:[/\-]\d{1,2})?\Z")
_LEAST_WITH_MORE = 9  # digits of a number that is told from what stands behind it
_WORD, _SPACE = re.compile(r"\S+"), re.compile(r"\s+")
# by these the library looks for a number inside a candidate that is none as a whole
_INNER = re.compile(r"[/(.\u2012-\u2015\uff0d]|\s-|-\s")
_COUNTRY_CODE = 10  # characters that it stands in, a plus and some punctuation included
_PLAIN = frozenset("0123456789 -()./")
_NOT_A_DIGIT = re.compile(r"\D+")


class Phones:
    """Phone numbers that libphonenumber calls valid in one of the regions (ISO 3166 codes)."""

    def __init__(self, regions: Sequence[str]) -> None:
        unknown = sorted(set(regions) - set(phonenumbers.SUPPORTED_REGIONS))
        if unknown:
            raise ConfigError(
                f"detect.phone_regions: {', '.join(unknown)}: expected ISO 3166 codes such as US, GB, DE"
            )
        # regions that share one numbering plan (US and CA) give one answer
        plans: dict[tuple[int, str, str, str], _Region] = {}
        for code in regions:
            plans.setdefault(_plan_of(code), _Region(code))
        self._regions = tuple(plans.values())

    def find(
        self, text: str, folded: str, covered: Sequence[Match], deadline: Deadline, within: range
    ) -> Iterator[Match]:
        """Yield phone numbers that reach into `within` and begin before its end, outside `covered`.

        To ask whether a card number is a phone number costs most; so would asking again, at each word of a
        stream, about those that are out or are yet to come.
        """
        spans = _Covered(covered)
        for start, candidate in _candidates(folded):
            deadline.left()
            end = start + len(candidate)
            if start >= within.stop:
                return
            if end <= within.start or spans.cover(start, end):
                continue
            first, last = _own_words(text, start, candidate)
            for at, piece in _pieces(candidate[first:last]):
                begin = start + first + at
                if begin < within.stop and begin + len(piece) > within.start:
                    yield from self._numbers(text, begin, piece)

    def _numbers(self, text: str, start: int, piece: str) -> Iterator[Match]:
        if _is_not_a_phone(text, start, piece):
            return
        found: set[tuple[int, int]] = set()
        shapes = _shapes(piece)
        after = text[start + len(piece) : start + len(piece) + 8]
        for region in self._asked(piece):
            if shapes is None or region.has_room(shapes):
                found.update(region.numbers(piece, after))
            if (0, len(piece)) in found:
                break
        if not found and (shorter := _without_last_number(text, start, piece)):
            yield from self._numbers(text, start, shorter)
        for first, last in found:
            if _digits(piece[first:last]) < _LEAST_DIGITS:
                continue
            inside = any(a <= first and last <= b and (a, b) != (first, last) for a, b in found)
            if not inside and not is_in_a_uuid(text, start + first, start + last):
                yield Match("PHONE_NUMBER", "pii", _SCORE, start + first, start + last)

    def _asked(self, piece: str) -> Sequence[_Region]:
        """Return the regions to ask. A number with its country code needs one: all give the same answer.

        One written as +44(0)115 is two numbers to the library, of which the second may be anybody's.
        """
        if not piece.startswith("+") or "(0)" in piece:
            return self._regions
        digits = _NOT_A_DIGIT.sub("", piece[:_COUNTRY_CODE])
        own = (region for region in self._regions if digits.startswith(region.country))
        return [next(own, self._regions[0])]


class _Region:
    """One region's numbers; what its numbering plan has no room for is not even asked about."""

    def __init__(self, code: str) -> None:
        self._code = code
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
        matcher = _Matcher(piece + after, self._code, self.has_room)
        start, rest = 0, piece
        while match := matcher._extract_match(rest, start):
            yield match.start, match.end
            start, rest = next(_candidates(piece, match.end), (0, ""))
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
    for inner in _INNER_MATCHES if _INNER.search(piece) else _INNER_MATCHES[-1:]:
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


def _candidates(text: str, at: int = 0) -> Iterator[tuple[int, str]]:
    while match := _PATTERN.search(text, at):
        candidate = match.group()
        second = _SECOND_NUMBER_START_PATTERN.search(candidate)
        if second:
            candidate = candidate[: second.start()]
        at = match.start() + len(candidate)
        if _digits(candidate) >= _LEAST_DIGITS:
            yield match.start(), candidate


def _pieces(candidate: str) -> Iterator[tuple[int, str]]:
    """Yield the candidate without its dates, cut where one number certainly ends and another begins.

    A candidate holds up to twenty groups of digits; to ask about all of them at once, and again about what
    is left, costs many times what the numbers alone cost.
    """
    at = 0
    for date in _DATE_WORD.finditer(candidate):
        yield from _cut(candidate, at, date.start())
        at = date.end()
    yield from _cut(candidate, at, len(candidate))


def _cut(candidate: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    if end - start < _LEAST_DIGITS:
        return
    first, digits, last = start, 0, 0  # of the piece so far; `last` are the digits of its last word
    for word in _WORD.finditer(candidate, start, end):
        own = _digits(word.group())
        opens = word.group()[0] in "+(" and digits >= (9 if word.group()[0] == "(" else _LEAST_DIGITS)
        if digits and (opens or last + own > _LONGEST_WITH_PREFIX):
            yield from _words(candidate[first : word.start()].rstrip(), first, digits)
            first, digits = word.start(), 0
        elif not digits:
            first = word.start()
        digits, last = digits + own, own
    yield from _words(candidate[first:end].rstrip(), first, digits)


def _words(piece: str, start: int, digits: int) -> Iterator[tuple[int, str]]:
    """Yield the piece, or its words when together they are too long for a number."""
    if digits < _LEAST_DIGITS:
        return
    if digits <= _MOST_DIGITS or _INNER.search(piece):
        yield start, piece
        return
    for word in _WORD.finditer(piece):
        if _digits(word.group()) >= _LEAST_DIGITS:
            yield start + word.start(), word.group()


def _without_last_number(text: str, start: int, piece: str) -> str:
    """Cut the 7 off `+1 415 555 2671 7` (days a week): it stands behind what is surely a number."""
    last = _SHORT_WORD.search(piece)
    told = piece[0] in "+(" or _SPOKEN_OF.search(text, max(0, start - 32), start)
    if last is None or not told:
        return ""
    rest = piece[: last.start()]
    return rest if _digits(rest) >= _LEAST_WITH_MORE else ""


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _own_words(text: str, start: int, candidate: str) -> tuple[int, int]:
    """Leave out a first and a last word that are the ends of identifiers (`item12 415…`)."""
    first, last = 0, len(candidate)
    if start and _LETTER.match(text, start - 1, start) and not _may_follow(text, start, candidate):
        word = _WORD.match(candidate)
        first = word.end() if word else last
    end = start + last
    is_separate = text[end : end + 1] == "_" and not text[end + 1 : end + 2].isalnum()
    if _LETTER.match(text, end, end + 1) and not is_separate:
        last = max((space.start() for space in _SPACE.finditer(candidate)), default=first)
    return first, max(first, last)


def _may_follow(text: str, start: int, candidate: str) -> bool:
    """Return whether a number may stand right behind this letter: `tel_415…`, never `call_9f8e…`."""
    if text[start - 1] == "_" and (candidate[0] == "+" or not text[start - 2 : start - 1].isalnum()):
        return True  # a country code, or Markdown
    return _TELLING.search(text, max(0, start - 32), start) is not None


def _is_not_a_phone(text: str, start: int, piece: str) -> bool:
    """Recognize clock readings, dates, amounts and the digits of a fraction."""
    if _TIMESTAMP.fullmatch(piece) or _DATE.match(piece) or _DECIMAL.fullmatch(piece):
        return True
    before = text[start - 1 : start]
    clock = before == ":" and text[start - 2 : start - 1].isdigit()
    if _BARE.fullmatch(piece) and not _SPOKEN_OF.search(text, max(0, start - 32), start):
        return True
    if _CONSTANT.fullmatch(piece) or (clock and _SECONDS.match(piece)):
        return True
    return (before == "-" and _DATED.search(piece) is not None) or _MONEY.match(before) is not None
