"""Heads: the first characters of every match."""

from string import ascii_lowercase

import pytest
import regex

from gateway.detect.matching.heads import heads
from gateway.detect.matching.pattern_tree import NoOpening


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("ab?cd", rb"\x61\x62\x63|\x61\x63\x64"),
        ("(ab|c)d", rb"\x61\x62\x64"),
        (r"a{4}", rb"\x61\x61\x61"),
        ("ab", b""),
    ],
)
def test_every_way_to_begin_is_listed_and_narrow_matches_are_left_out(
    pattern: str, expression: bytes
) -> None:
    assert heads(regex.compile(pattern), 3) == expression


def test_a_pattern_that_begins_in_too_many_ways_has_none() -> None:
    with pytest.raises(NoOpening):
        heads(regex.compile(f"(?:{'|'.join(2 * letter for letter in ascii_lowercase)}){{2}}"), 3)
