"""Patterns that RE2 runs find what Python finds, and know their beginnings."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.detect.matching.linear import Linear

PATTERNS = [
    r"FX-\d{4}",
    r"Case\s{1,3}(?:open|closed)\s\d+",
    r"(?i)project (?:blue|red)+ \w+",
    r"a(?:b|cd)*e?f",
    r"\bx[^y]y\b",
]


@given(pattern=st.sampled_from(PATTERNS), data=st.data())
def test_every_beginning_of_a_match_is_known_as_one(pattern: str, data: st.DataObject) -> None:
    value = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    linear = Linear(pattern)
    before = data.draw(st.sampled_from(["", "é ", "... "]))
    for length in range(1, len(value) + 1):
        assert linear.open_at(before + value[:length], lambda _: True) <= len(before)
    assert linear.open_at(before, lambda _: True) == len(before)


@given(pattern=st.sampled_from(PATTERNS), text=st.text(alphabet="FX-12aebcdfxy Copensprjt é", max_size=40))
def test_what_is_found_is_what_python_finds(pattern: str, text: str) -> None:
    expected = [match.span() for match in re.finditer(pattern, text) if "é" not in text]
    if "é" not in text:  # RE2's \b knows ASCII letters only
        assert list(Linear(pattern).find(text, lambda *_: True)) == expected
