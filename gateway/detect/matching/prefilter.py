"""The prefilter: one pass over a text says where which patterns may match; the patterns then run only there.

What comes out is what the patterns give on the whole text, match for match. Without Hyperscan, for a pattern
that it cannot take, they run on the whole text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import regex

from gateway.detect.matching.opening import Opening, opening
from gateway.detect.matching.parsed import parsed
from gateway.detect.matching.pattern_tree import ENDLESS, NoOpening, as_bytes
from gateway.detect.matching.patterns import Deadline, InspectionLate, matches
from gateway.detect.matching.scanner import Expression, open_scanner

_NEAR = 64  # characters between two stretches that cost less to search than to begin again


class Prefilter:
    """A set of patterns, compiled once. Several threads may scan at once."""

    def __init__(
        self, patterns: Iterable[regex.Pattern[str]], signals: Iterable[regex.Pattern[str]] = ()
    ) -> None:
        """Compile the patterns; of `signals` only whether they may match is asked, not where."""
        patterns = list(patterns)
        signals = list(signals)
        found = parsed([*patterns, *signals], _opening, Opening | None)  # type: ignore[arg-type]  # a union
        openings = [
            (pattern, one, number >= len(patterns))
            for number, (pattern, one) in enumerate(zip([*patterns, *signals], found, strict=True))
            if one
        ]
        self._scanner = open_scanner([Expression(one.expression, once) for _, one, once in openings])
        numbers = self._scanner.numbers if self._scanner else {}
        self._places = {
            pattern: (numbers[expression], one)
            for pattern, one, once in openings
            if (expression := Expression(one.expression, once)) in numbers
        }
        self._anywhere = tuple(pattern for pattern in patterns if pattern not in self._places)
        self._by_number: dict[int, list[regex.Pattern[str]]] = {}
        for pattern, (number, _) in self._places.items():
            self._by_number.setdefault(number, []).append(pattern)

    def scan(self, text: str) -> Candidates:
        """Return where the patterns may match in `text`. Raises InspectionFailed."""
        ends = self._scanner.ends(as_bytes(text)) if self._scanner else {}
        possible = [*self._anywhere, *(pattern for number in ends for pattern in self._by_number[number])]
        return Candidates(text, self._places, ends, possible)


class Candidates:
    """One text's places. A pattern that the prefilter does not know may match anywhere."""

    def __init__(
        self,
        text: str,
        places: Mapping[regex.Pattern[str], tuple[int, Opening]],
        ends: Mapping[int, list[list[int]]],
        possible: Sequence[regex.Pattern[str]],
    ) -> None:
        self.text = text
        self.possible = possible  # the patterns that may match: few of a hundred do
        self._places = places
        self._ends = ends

    def may_match(self, pattern: regex.Pattern[str]) -> bool:
        """Return whether the pattern can match at all."""
        place = self._places.get(pattern)
        return place is None or place[0] in self._ends

    def matches(self, pattern: regex.Pattern[str], deadline: Deadline) -> Iterator[regex.Match[str]]:
        """Yield what `patterns.matches` gives: every match in the text. Raises InspectionFailed."""
        place = self._places.get(pattern)
        if place is None:
            yield from matches(pattern, self.text, deadline)
        elif place[0] in self._ends:
            yield from self._within(pattern, place[1], self._ends[place[0]], deadline)

    def _within(
        self, pattern: regex.Pattern[str], found: Opening, ends: Sequence[list[int]], deadline: Deadline
    ) -> Iterator[regex.Match[str]]:
        at, length = 0, len(self.text)
        for first, last in _starts(found, ends):
            at = max(at, first)
            stop = min(length, last + found.reach)  # no match that begins in the window looks beyond this
            for match in _found(pattern, self.text, at, stop, deadline) if at <= last else ():
                if match.start() > last:
                    break
                yield match
                at = match.end()


def _opening(pattern: regex.Pattern[str]) -> Opening | None:
    try:
        return opening(pattern)
    except NoOpening:
        return None


def _starts(found: Opening, ends: Sequence[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield the stretches, first and last offset, that a match may begin in, by where openings end."""
    first, last = -1, -1
    for earliest, latest in sorted(ends):
        begin = max(0, earliest - found.most)
        if first < 0:
            first = begin
        # without a bound a search might read to the end of the text: then only one is affordable
        elif begin > last + _NEAR and found.reach < ENDLESS:
            yield first, last
            first = begin
        last = latest - found.least
    yield first, last


def _found(
    pattern: regex.Pattern[str], text: str, start: int, stop: int, deadline: Deadline
) -> Iterator[regex.Match[str]]:
    try:
        yield from pattern.finditer(text, start, stop, timeout=deadline.left())
    except TimeoutError as error:
        raise InspectionLate("a detection pattern did not finish in time") from error
