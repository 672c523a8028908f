"""Markup inside of words is read over."""

import pytest

from gateway.detect.matching.markup import open_markup, unmarked


@pytest.mark.parametrize(
    "text", ["jane<b>.roe</b>@acme.org", "jane<!-- x -->.roe@acme.org", "**jane.roe**@acme.org"]
)
def test_a_word_reads_without_its_markup(text: str) -> None:
    found = unmarked(text)
    assert found is not None
    assert "jane.roe@acme.org" in found.text


def test_block_elements_part_words() -> None:
    assert unmarked("one</td><td>two") is None
    assert unmarked("no markup") is None


def test_an_unfinished_tag_in_a_word_is_waited_for() -> None:
    assert open_markup("jane<b") == 4
    assert open_markup("jane <b> roe") == -1
