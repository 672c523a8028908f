"""Overlapping spans made disjoint, so that each character belongs to at most one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.words import Match, merged

_MARKS = frozenset({"code", "injection"})


def resolve(spans: Iterable[Match]) -> tuple[Match, ...]:
    """Return disjoint matches in order.

    Where values overlap, a secret wins over the rest, then the higher score, then the longer one, and the
    winner covers them all. A phrase keeps what lies outside of values: whatever is done about the phrase, the
    value stays a finding of its own.
    """
    found = sorted(set(spans), key=lambda span: (span.start, span.end, span.entity, -span.score))
    values = merged([span for span in found if span.category not in _MARKS])
    marks = merged([span for span in found if span.category in _MARKS])
    trimmed = [piece for mark in marks for piece in _outside(mark, values)]
    return tuple(sorted([*values, *trimmed], key=lambda span: span.start))


def _outside(mark: Match, values: list[Match]) -> Iterator[Match]:
    at = mark.start
    for value in values:
        if value.end > at and value.start < mark.end:
            if value.start > at:
                yield mark.at(at, value.start)
            at = value.end
    if at < mark.end:
        yield mark.at(at, mark.end)
