"""Characters that a model reads and people do not see."""

from __future__ import annotations

import pytest

from gateway.blanks import BLANK, LOOSE_JOINER


@pytest.mark.parametrize("text", ["a\u115fb", "a\U000e0041b", "a\ufe00b", "a\u3164"])
def test_blank_characters_are_found(text: str) -> None:
    """Fillers, tags and selectors behind a letter."""
    assert BLANK.search(text)


@pytest.mark.parametrize("text", ["plain", "\u2764\ufe0f", "1\ufe0f\u20e3", "©\ufe0f"])
def test_an_emoji_keeps_its_selector(text: str) -> None:
    """One selector behind a symbol is how it is written."""
    assert not BLANK.search(text)


def test_a_joiner_is_loose_between_latin_letters_only() -> None:
    """Persian is written with joiners."""
    assert LOOSE_JOINER.search("a\u200db")
    assert not LOOSE_JOINER.search("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")
