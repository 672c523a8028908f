"""Overlapping spans made disjoint, so that each character belongs to at most one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.words import Match

_MARKS = frozenset({"code", "injection"})


def resolve(spans: Iterable[Match]) -> tuple[Match, ...]:
    """Return disjoint matches in order.

    Where values overlap, a secret wins over the rest, then the higher score, then the longer one, and the
    winner covers them all. A phrase keeps what lies outside of values: whatever is done about the phrase, the
    value stays a finding of its own.
    """
    found = sorted(set(spans), key=lambda span: (span.start, span.end, span.entity, -span.score))
    values = _merged([span for span in found if span.category not in _MARKS])
    marks = _merged([span for span in found if span.category in _MARKS])
    trimmed = [piece for mark in marks for piece in _outside(mark, values)]
    return tuple(sorted([*values, *trimmed], key=lambda span: span.start))


def _merged(spans: list[Match]) -> list[Match]:
    merged: list[Match] = []
    for span in spans:
        if merged and span.start < merged[-1].end:
            best = max(merged[-1], span, key=rank)
            merged[-1] = replace(best, start=merged[-1].start, end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def rank(span: Match) -> tuple[bool, float, int]:
    """Return what decides between two that overlap: the greater names the whole."""
    return span.category == "secret", span.score, span.end - span.start


def _outside(mark: Match, values: list[Match]) -> Iterator[Match]:
    at = mark.start
    for value in values:
        if value.end > at and value.start < mark.end:
            if value.start > at:
                yield replace(mark, start=at, end=value.start)
            at = value.end
    if at < mark.end:
        yield replace(mark, start=at, end=mark.end)
