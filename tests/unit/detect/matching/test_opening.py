"""Openings: what has to be there at the start of every match."""

import pytest
import regex

from gateway.detect.matching.opening import opening
from gateway.detect.matching.pattern_tree import ENDLESS, NoOpening


@pytest.mark.parametrize(
    ("pattern", "expression", "width"),
    [
        (r"\bab(?=c)", rb"\x61\x62", (2, 2)),
        (r"ab?", rb"\x61", (1, 1)),
        (r"a{2,3}b", rb"(?:\x61){2,3}\x62", (3, 4)),
        (r"(a|bc)\d*", rb"(?:\x61|\x62\x63)", (1, 2)),
        (r"é", rb"\x3f", (1, 1)),
    ],
)
def test_what_may_be_absent_at_the_end_is_cut_off(
    pattern: str, expression: bytes, width: tuple[int, int]
) -> None:
    found = opening(regex.compile(pattern))
    assert (found.expression, (found.least, found.most)) == (expression, width)


def test_a_match_without_end_may_look_at_the_whole_text() -> None:
    assert opening(regex.compile(r"a\d+")).reach == ENDLESS
    assert opening(regex.compile(r"a(?=bcd)")).reach == 1 + 3 + 2


@pytest.mark.parametrize("pattern", ["a*", r"\b", "(?=a)"])
def test_a_pattern_that_may_match_nothing_has_none(pattern: str) -> None:
    with pytest.raises(NoOpening):
        opening(regex.compile(pattern))
