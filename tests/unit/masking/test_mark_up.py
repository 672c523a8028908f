"""Which mark-up is open at the end of a text."""

import pytest

from gateway.masking.mark_up import MarkUp


def opened(text: str) -> int | None:
    mark_up = MarkUp()
    for char in text:
        mark_up.read(char)
    return mark_up.opened()


@pytest.mark.parametrize("text", ["<img src='", "say <a href=", "[x](", "[x]: ", "url("])
def test_attributes_targets_and_urls_are_open(text: str) -> None:
    assert opened(text) is not None


@pytest.mark.parametrize("text", ["plain", "1 < 2 and", "<b>bold</b> and", "[x](y) and"])
def test_prose_is_not(text: str) -> None:
    assert opened(text) is None
