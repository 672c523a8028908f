"""Placeholders, however a model spells them."""

import pytest

from gateway.masking.placeholders import canonical, may_hold, names_in, open_at

NAME = "<EMAIL_ADDRESS_k7f3q2>"


@pytest.mark.parametrize("written", [NAME, NAME.lower(), "&lt;EMAIL_ADDRESS_k7f3q2&gt;"])
def test_a_spelling_means_the_placeholder(written: str) -> None:
    assert canonical(written) == NAME
    assert may_hold(f"to {written}")
    assert NAME in list(names_in(f"to {written} and"))


def test_a_text_without_one_holds_none() -> None:
    assert list(names_in("plain words, 1 < 2")) == []


def test_one_that_has_begun_is_waited_for() -> None:
    text = "write to <EMAIL_ADDR"
    assert open_at(text, 0) == text.index("<")
    assert open_at("write to him ", 0) == len("write to him ")
