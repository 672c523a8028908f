"""What may be a phone number: stretches of digits, cut into the pieces that libphonenumber is asked about.

A candidate holds up to twenty groups of digits, dates and amounts among them. To ask about all of them at
once, and again about what is left, costs many times what the numbers alone cost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

# the matcher's own candidate pattern; there is no public way to share one scan between regions
from phonenumbers.phonenumbermatcher import (  # type: ignore[attr-defined]  # private, not in its stubs
    _LEAD_CLASS,
    _PATTERN,
    _SECOND_NUMBER_START_PATTERN,
)

_BEGIN = re.compile(rf"[{_LEAD_CLASS[1:-1]}\d]")
LEAST_DIGITS, _MOST_DIGITS = 7, 20  # with a prefix to dial abroad
_LONGEST_WITH_PREFIX = 18
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
_UPTIME = re.compile(r"\d{1,6}\.\d{6}")  # in brackets: [01436.163696] usb 3-2
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
_CLOSED_BY = {"(": ")", "[": "]", "（": "）", "［": "］"}
_WORD, _SPACE = re.compile(r"\S+"), re.compile(r"\s+")
# by these the library looks for a number inside a candidate that is none as a whole
INNER = re.compile(r"[/(.\u2012-\u2015\uff0d]|\s-|-\s")


def candidates(text: str, at: int = 0) -> Iterator[tuple[int, str]]:
    while match := _next(text, at):
        candidate = match.group()
        second = _SECOND_NUMBER_START_PATTERN.search(candidate)
        if second:
            candidate = candidate[: second.start()]
        at = match.start() + len(candidate)
        whole = _without_open_bracket(candidate)
        if count_digits(whole) >= LEAST_DIGITS:
            yield at - len(whole), whole


def _next(text: str, at: int) -> re.Match[str] | None:
    """Return what `_PATTERN.search` does, which tries at every letter."""
    for begin in _BEGIN.finditer(text, at):
        if match := _PATTERN.match(text, begin.start()):
            return match
    return None


def _without_open_bracket(candidate: str) -> str:
    """Leave out a bracket that is closed behind the number: `dial(4155522671)`, `[1732584193, …]`."""
    while candidate and (close := _CLOSED_BY.get(candidate[0])):
        closed, another = candidate.find(close), candidate.find(candidate[0], 1)
        if closed > 0 and not 0 < another < closed:
            break
        candidate = candidate[1:].lstrip()
    return candidate


def pieces(candidate: str) -> Iterator[tuple[int, str]]:
    """Yield the candidate without its dates, cut where one number certainly ends and another begins."""
    at = 0
    for date in _DATE_WORD.finditer(candidate):
        yield from _cut(candidate, at, date.start())
        at = date.end()
    yield from _cut(candidate, at, len(candidate))


def _cut(candidate: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    if end - start < LEAST_DIGITS:
        return
    first, digits, last = start, 0, 0  # of the piece so far; `last` are the digits of its last word
    for word in _WORD.finditer(candidate, start, end):
        own = count_digits(word.group())
        opens = word.group()[0] in "+(" and digits >= (9 if word.group()[0] == "(" else LEAST_DIGITS)
        if digits and (opens or last + own > _LONGEST_WITH_PREFIX):
            yield from _words(candidate[first : word.start()].rstrip(), first, digits)
            first, digits = word.start(), 0
        elif not digits:
            first = word.start()
        digits, last = digits + own, own
    yield from _words(candidate[first:end].rstrip(), first, digits)


def _words(piece: str, start: int, digits: int) -> Iterator[tuple[int, str]]:
    """Yield the piece, or its words when together they are too long for a number."""
    if digits < LEAST_DIGITS:
        return
    if digits <= _MOST_DIGITS or INNER.search(piece):
        yield start, piece
        return
    for word in _WORD.finditer(piece):
        if count_digits(word.group()) >= LEAST_DIGITS:
            yield start + word.start(), word.group()


def without_last_number(text: str, start: int, piece: str) -> str:
    """Cut the 7 off `+1 415 555 2671 7` (days a week): it stands behind what is surely a number."""
    last = _SHORT_WORD.search(piece)
    told = piece[0] in "+(" or _SPOKEN_OF.search(text, max(0, start - 32), start)
    if last is None or not told:
        return ""
    rest = piece[: last.start()]
    return rest if count_digits(rest) >= _LEAST_WITH_MORE else ""


def count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def own_words(text: str, start: int, candidate: str) -> tuple[int, int]:
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


def is_not_a_phone(text: str, start: int, piece: str) -> bool:
    """Recognize clock readings, dates, amounts and the digits of a fraction."""
    if _TIMESTAMP.fullmatch(piece) or _DATE.match(piece) or _DECIMAL.fullmatch(piece):
        return True
    before = text[start - 1 : start]
    clock = before == ":" and text[start - 2 : start - 1].isdigit()
    if _BARE.fullmatch(piece) and not _SPOKEN_OF.search(text, max(0, start - 32), start):
        return True
    if before == "[" and _UPTIME.fullmatch(piece):
        return True
    if _CONSTANT.fullmatch(piece) or (clock and _SECONDS.match(piece)):
        return True
    return (before == "-" and _DATED.search(piece) is not None) or _MONEY.match(before) is not None
