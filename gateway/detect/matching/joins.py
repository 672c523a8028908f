"""Values that go on from one part into the next: what a model reads as one text is inspected as one.

The text blocks of one message stand in a row. Around each border between two of them the texts are inspected
joined, directly and with a space; what stretches over the border becomes a finding in every part it touches.

The messages of one role stand in a row too, and so do all messages of the conversation. Two messages are two
sentences, so only what cannot be there by chance counts over their borders. For example, "my card is
4111 1111" and "1111 1111, thanks" hold a card, and "we had 415 555" and "2671 left" hold no phone number.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import regex

from gateway.detect.matching.overlaps import resolve
from gateway.words import Finding, Match, Part

_BLOCK = re.compile(r"(.*)/\d+/text")
_KINDS = frozenset({"text", "system", "tool_result"})
# What has check digits or a fixed format: over the border of two messages nothing else is believed.
_STRONG = frozenset(
    {"API_KEY", "CONNECTION_STRING", "CREDIT_CARD", "CRYPTO", "IBAN_CODE", "JWT", "PRIVATE_KEY", "US_SSN"}
)
_MOST_MESSAGES = 6  # that one value is cut into; a private key may be cut into any number
# What a value may be cut at: a digit, a long word or a sign right beside the border, or a key's first line.
_LEFT_OPEN = re.compile(r"(?:\d\S{0,20}|\S{12}|[-_:/@=]|-----[A-Z0-9 ]{0,60})\s*\Z")
_RIGHT_OPEN = re.compile(r"\s*(?:\S{0,20}\d|\S{12}|[-_:/@=]|[A-Z0-9 ]{0,60}-----)")
_BESIDE = 80  # characters on each side in which that is looked for
_NO_WORD = re.compile(
    r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])|[-\s]{0,8}[A-Z0-9 ]{0,60}-----|[A-Za-z0-9+/=\s]{0,160}-----END"
)
_AROUND = 512  # characters on each side of a border
_WORD = 8192  # to the end of the word there, but no further than a stream would hold it
_KEY = 65536  # of a private key that began before
_BEGIN, _END, _DASHES = "-----BEGIN", "-----END", 80
_SPACE, _SPACE_BEFORE = regex.compile(r"\s"), regex.compile(r"(?r)\s")  # the second searches backwards


@dataclass(frozen=True, slots=True)
class Join:
    """A stretch of joined text; `places` are the parts in it: number, and where its text is.

    With `strong`, only what has check digits or a fixed format counts over the borders in it.
    """

    text: str
    places: tuple[tuple[int, int, int], ...]
    strong: bool = False

    @property
    def part(self) -> Part:
        """The stretch as something to inspect."""
        return Part("", "text", "", self.text)


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """The numbers of parts that are read one after the other. See `Join` for `strong`."""

    numbers: tuple[int, ...]
    strong: bool


def rows(parts: Sequence[Part]) -> list[JoinedRow]:
    """Return which parts are read as one text: the blocks of a message, a role's messages, all messages."""
    blocks: dict[tuple[str, ...], list[int]] = {}
    messages: dict[str, list[int]] = {"": []}
    for number, part in enumerate(parts):
        if part.kind not in _KINDS or part.place != "value" or not part.text:
            continue
        if block := _BLOCK.fullmatch(part.pointer):
            blocks.setdefault((block[1], part.role, part.kind), []).append(number)
        for role in {"", part.role}:
            messages.setdefault(role, []).append(number)
    weak = {tuple(row) for row in blocks.values()}
    strong = {tuple(row) for row in messages.values()} - weak
    return [
        JoinedRow(row, is_strong)
        for found, is_strong in ((weak, False), (strong, True))
        for row in sorted(found)
    ]


def joins(parts: Sequence[Part]) -> list[Join]:
    """Return the stretches of text around the borders between parts that are read as one."""
    return [join for row in rows(parts) if len(row.numbers) > 1 for join in _of_row(parts, row)]


def spread(
    parts: Sequence[Part],
    found: Sequence[tuple[Finding, ...]],
    joined: Iterable[tuple[Join, tuple[Match, ...]]],
) -> tuple[tuple[Finding, ...], ...]:
    """Return the findings of each part with its share of what crosses a border."""
    shares: dict[int, list[Match]] = {}
    for join, spans in joined:
        starts = [start for _, start, _ in join.places]
        for span in spans:
            first = max(0, bisect_right(starts, span.start) - 1)
            if span.end <= join.places[first][2]:  # nearly all of them: it stands in one part
                continue
            touched = list(_touched(join.places[first:], span))
            if join.strong:
                touched = _believed(parts, found, touched)
            for number, share in touched if len(touched) > 1 else ():
                shares.setdefault(number, []).append(share)
    return tuple(
        _merged(part, own, shares[number]) if number in shares else own
        for number, (part, own) in enumerate(zip(parts, found, strict=True))
    )


def _believed(
    parts: Sequence[Part], found: Sequence[tuple[Finding, ...]], touched: Sequence[tuple[int, Match]]
) -> list[tuple[int, Match]]:
    """Return the shares that messages have in a value; none where two harmless ones may look like this.

    Where one message holds a whole value, a word or a number in the message beside it is no part of it.
    """
    entity = touched[0][1].entity
    texts = [parts[number].text[span.start : span.end] for number, span in touched]
    is_cut_up = len(touched) > _MOST_MESSAGES and entity != "PRIVATE_KEY"
    if entity not in _STRONG or is_cut_up or (entity == "US_SSN" and not any("-" in text for text in texts)):
        return []
    whole = [
        any(one.entity == entity and one.start < span.end and span.start < one.end for one in found[number])
        for number, span in touched
    ]
    if not any(whole):
        return list(touched)
    sure = [n for n, text in enumerate(texts) if whole[n] or _NO_WORD.match(text)]
    return list(touched[sure[0] : sure[-1] + 1])


def _of_row(parts: Sequence[Part], row: JoinedRow) -> Iterator[Join]:
    texts = [parts[number].text for number in row.numbers]
    pairs = list(itertools.pairwise(texts))
    is_open = [not row.strong or _may_go_on(one, other) for one, other in pairs]
    if not any(is_open):
        return
    apart = all(one[-1].isspace() or other[0].isspace() for one, other in pairs)
    for separator in ("",) if apart else ("", " "):
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + len(text) + len(separator))
        whole = separator.join(texts)
        for first, last in _windows(whole, list(itertools.compress(starts[1:], is_open))):
            within = range(bisect_right(starts, first) - 1, bisect_left(starts, last))
            places = ((row.numbers[n], starts[n] - first, starts[n] - first + len(texts[n])) for n in within)
            yield Join(whole[first:last], tuple(places), row.strong)


def _may_go_on(one: str, other: str) -> bool:
    """Return whether a strong value may be cut between these texts. Most sentences end in a plain word."""
    end, begin = one[-_BESIDE:], other[:_BESIDE]
    return _LEFT_OPEN.search(end) is not None or _RIGHT_OPEN.match(begin) is not None


def _windows(text: str, borders: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the stretches around the borders, overlapping ones as one."""
    first = last = -1
    for border in borders:
        start, end = _window(text, border)
        if start <= last:
            first, last = min(first, start), max(last, end)
            continue
        if last >= 0:
            yield first, last
        first, last = start, end
    if last >= 0:
        yield first, last


def _window(text: str, border: int) -> tuple[int, int]:
    begin = text.rfind(_BEGIN, max(0, border - _KEY), border + len(_BEGIN))
    if begin >= 0 and text.find(_END, begin, ended := max(begin, border - _DASHES)) < 0:
        end = text.find(_END, ended, begin + _KEY)
        return begin, (end if end >= 0 else begin + _KEY) + _DASHES
    low, high = max(0, border - _AROUND), min(len(text), border + _AROUND)
    first, last = max(0, low - _WORD), min(len(text), high + _WORD)
    before, after = _SPACE_BEFORE.search(text, first, low), _SPACE.search(text, high, last)
    return before.end() if before else first, after.start() if after else last


def _touched(places: Sequence[tuple[int, int, int]], span: Match) -> Iterator[tuple[int, Match]]:
    """Yield the parts of a join that a span in it reaches into, each with its share."""
    for number, start, end in places:
        if start >= span.end:
            return
        first, last = max(span.start, start), min(span.end, end)
        if first < last:
            yield number, span.at(first - start, last - start)


def _merged(part: Part, own: Sequence[Finding], shares: Sequence[Match]) -> tuple[Finding, ...]:
    spans = [Match(one.entity, one.category, one.score, one.start, one.end) for one in own]
    return tuple(
        Finding(span.entity, span.category, span.score, part.pointer, span.start, span.end)
        for span in resolve([*spans, *shares])
    )
