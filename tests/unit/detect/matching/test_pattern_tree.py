"""Patterns as trees over one byte a character."""

import pytest
import regex

from gateway.detect.matching.pattern_tree import Char, NoOpening, Repeat, Row, Start, as_bytes, parse


def test_a_group_keeps_its_case_and_a_back_reference_repeats_it_in_any() -> None:
    tree, _ = parse(regex.compile(r"(?i:b)c(a)\1"))
    sources = [node.source() for row in tree.nodes for node in (row.nodes if isinstance(row, Row) else [row])]  # type: ignore[union-attr]  # rows of characters
    assert sources == [r"[\x42\x62]", r"\x63", r"\x61", r"[\x41\x61]"]


def test_look_arounds_and_boundaries_match_no_character() -> None:
    tree, reach = parse(regex.compile(r"\A(?<=x)a+\b(?!y)"))
    assert tree.nodes[0] == Start()
    (repeat,) = tree.nodes[1:]
    assert isinstance(repeat, Repeat)
    assert repeat.row.nodes == (Char(frozenset(b"a")),)
    assert reach > 1000


def test_a_character_beyond_ascii_is_a_question_mark() -> None:
    assert as_bytes("é1") == b"?1"
    (any_letter,) = parse(regex.compile(r"[^a]"))[0].nodes
    assert isinstance(any_letter, Char)
    assert ord("?") in any_letter.members


@pytest.mark.parametrize("pattern", ["(?:a){e<=1}", "[[:alpha:]]", r"(?(1)a|b)()"])
def test_syntax_of_regex_alone_is_not_read(pattern: str) -> None:
    with pytest.raises((NoOpening, regex.error)):
        parse(regex.compile(pattern))
