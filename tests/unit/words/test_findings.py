"""Spans that overlap become one, named by the one that weighs most."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.words import Category, Match, merged

_SPANS = st.builds(
    lambda category, score, start, length: Match("X", category, score, start, start + length),
    st.sampled_from(["pii", "secret"]),
    st.sampled_from([0.5, 0.9]),
    st.integers(0, 20),
    st.integers(1, 9),
)


@given(st.lists(_SPANS))
def test_merged_spans_are_disjoint_in_order_and_cover_the_same(spans: list[Match]) -> None:
    whole = merged(spans)
    assert all(before.end <= after.start for before, after in pairwise(whole))
    assert _covered(whole) == _covered(spans)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (("secret", 0.5, 1), ("pii", 0.9, 9), "first"),
        (("pii", 0.5, 9), ("pii", 0.9, 1), "second"),
        (("pii", 0.9, 1), ("pii", 0.9, 9), "second"),
    ],
)
def test_a_secret_names_the_whole_then_the_score_then_the_length(
    first: tuple[Category, float, int], second: tuple[Category, float, int], named: str
) -> None:
    spans = [Match(name, kind, score, 0, end) for name, (kind, score, end) in _named(first, second)]
    assert [(one.entity, one.start, one.end) for one in merged(spans)] == [(named, 0, 9)]


def _named(
    first: tuple[Category, float, int], second: tuple[Category, float, int]
) -> list[tuple[str, tuple[Category, float, int]]]:
    return [("first", first), ("second", second)]


def _covered(spans: list[Match]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}
