"""Values that go on from one part into the next: what a model reads as one text is inspected as one.

The text blocks of one message stand in a row. Around each border between two of them the texts are inspected
joined, directly and with a space; what stretches over the border becomes a finding in every part it touches.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from gateway.detect.overlaps import resolve
from gateway.exchange import Finding, Part, Span

_BLOCK = re.compile(r"(.*)/\d+/text")
_KINDS = frozenset({"text", "system", "tool_result"})
_AROUND = 512  # characters on each side of a border
_WORD = 8192  # to the end of the word there, but no further than a stream would hold it
_KEY = 65536  # of a private key that began before
_BEGIN, _END, _DASHES = "-----BEGIN", "-----END", 80
_SPACE, _SPACE_BEFORE = regex.compile(r"\s"), regex.compile(r"(?r)\s")  # the second searches backwards


@dataclass(frozen=True, slots=True)
class Join:
    """A stretch of joined text; `places` are the parts in it: number, and where its text is."""

    text: str
    places: tuple[tuple[int, int, int], ...]

    @property
    def part(self) -> Part:
        """The stretch as something to inspect."""
        return Part("", "text", "", self.text)


def joins(parts: Sequence[Part]) -> list[Join]:
    """The stretches around the borders between text blocks of one message."""
    rows: dict[tuple[str, str, str], list[int]] = {}
    for number, part in enumerate(parts):
        block = _BLOCK.fullmatch(part.pointer) if part.kind in _KINDS and part.place == "value" else None
        if block and part.text:
            rows.setdefault((block[1], part.role, part.kind), []).append(number)
    return [join for row in rows.values() if len(row) > 1 for join in _of_row(parts, row)]


def spread(
    parts: Sequence[Part],
    found: Sequence[tuple[Finding, ...]],
    joined: Sequence[tuple[Join, tuple[Finding, ...]]],
) -> tuple[tuple[Finding, ...], ...]:
    """The findings of each part with its share of what stretches over a border."""
    shares: dict[int, list[Span]] = {}
    for join, findings in joined:
        for finding in findings:
            touched = list(_touched(join, finding))
            for number, span in touched if len(touched) > 1 else ():
                shares.setdefault(number, []).append(span)
    return tuple(
        _merged(part, own, shares[number]) if number in shares else own
        for number, (part, own) in enumerate(zip(parts, found, strict=True))
    )


def _of_row(parts: Sequence[Part], row: Sequence[int]) -> Iterator[Join]:
    texts = [parts[number].text for number in row]
    apart = all(one[-1].isspace() or other[0].isspace() for one, other in itertools.pairwise(texts))
    for separator in ("",) if apart else ("", " "):
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + len(text) + len(separator))
        whole = separator.join(texts)
        for first, last in _windows(whole, starts[1:]):
            within = range(bisect_right(starts, first) - 1, bisect_left(starts, last))
            yield Join(
                whole[first:last],
                tuple((row[n], starts[n] - first, starts[n] - first + len(texts[n])) for n in within),
            )


def _windows(text: str, borders: Sequence[int]) -> Iterator[tuple[int, int]]:
    """What is looked at around the borders; where two would overlap it is one."""
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
    if begin >= 0 and text.find(_END, begin, border) < 0:
        end = text.find(_END, border, begin + _KEY)
        return begin, (end if end >= 0 else begin + _KEY) + _DASHES
    low, high = max(0, border - _AROUND), min(len(text), border + _AROUND)
    first, last = max(0, low - _WORD), min(len(text), high + _WORD)
    before, after = _SPACE_BEFORE.search(text, first, low), _SPACE.search(text, high, last)
    return before.end() if before else first, after.start() if after else last


def _touched(join: Join, finding: Finding) -> Iterator[tuple[int, Span]]:
    """The parts that a finding in a join reaches into, and its share there."""
    at = bisect_right(join.places, finding.start, key=lambda place: place[1]) - 1
    for number, start, end in join.places[max(0, at) :]:
        if start >= finding.end:
            return
        first, last = max(finding.start, start), min(finding.end, end)
        if first < last:
            yield number, Span(finding.entity, finding.category, finding.score, first - start, last - start)


def _merged(part: Part, own: Sequence[Finding], shares: Sequence[Span]) -> tuple[Finding, ...]:
    spans = [Span(one.entity, one.category, one.score, one.start, one.end) for one in own]
    return tuple(
        Finding(span.entity, span.category, span.score, part.pointer, span.start, span.end)
        for span in resolve([*spans, *shares])
    )
