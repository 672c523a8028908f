"""Overlapping spans made disjoint, so that each character belongs to at most one finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.exchange import Span

_MARKS = frozenset({"code", "injection"})


def resolve(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Disjoint spans in order.

    Where values overlap, a secret wins over the rest, then the higher score, then the longer one, and the
    winner covers them all. A phrase keeps its largest stretch outside of values: whatever is done about the
    phrase, the value stays a finding of its own.
    """
    found = sorted(set(spans), key=lambda span: (span.start, span.end))
    values = _merged([span for span in found if span.category not in _MARKS])
    marks = _merged([span for span in found if span.category in _MARKS])
    trimmed = [piece for mark in marks if (piece := _outside(mark, values))]
    return tuple(sorted([*values, *trimmed], key=lambda span: span.start))


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start < merged[-1].end:
            best = max(merged[-1], span, key=_rank)
            merged[-1] = replace(best, start=merged[-1].start, end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _rank(span: Span) -> tuple[bool, float, int]:
    return span.category == "secret", span.score, span.end - span.start


def _outside(mark: Span, values: list[Span]) -> Span | None:
    gaps, at = [], mark.start
    for value in values:
        if value.end > at and value.start < mark.end:
            gaps.append((at, min(value.start, mark.end)))
            at = value.end
    gaps.append((at, mark.end))
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    return replace(mark, start=start, end=end) if end > start else None
