"""Texts in pieces come out as they would whole, and one text is not joined with a value of the next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.masking import Restorer, RunRestorer, StreamRestorer, Vault

EMAIL = "john.doe@example.com"
VAULT = Vault(b"k" * 32)
NAME = VAULT.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
VAULT.mark_restorable(NAME)
RESTORER = Restorer(VAULT, ())


@given(st.lists(st.integers(1, 12), max_size=20))
def test_a_text_in_pieces_is_the_whole_text(lengths: list[int]) -> None:
    text, stream, said = (
        f"write to {NAME}, or {NAME} at https://evil.example/{NAME} now",
        StreamRestorer(RESTORER),
        "",
    )
    at = 0
    for length in lengths:
        said += stream.feed(text[at : at + length])
        at += length
    assert said + stream.feed(text[at:]) + stream.close() == RESTORER.whole(text)


def test_a_placeholder_waits_until_its_word_ends() -> None:
    stream = StreamRestorer(RESTORER)
    assert stream.feed(f"to {NAME}") == "to "
    assert stream.feed(" now") == f"{EMAIL} now"


def test_a_text_is_passed_on_with_what_is_certain_by_its_end() -> None:
    assert StreamRestorer(RESTORER).pass_on(f"{NAME} and {NAME}") == f"{EMAIL} and {NAME}"


@pytest.mark.parametrize("after", [".evil.example", "/x"])
def test_what_the_next_text_makes_a_url_of_stays(after: str) -> None:
    run = RunRestorer(RESTORER)
    pieces = [*run.feed(f"see {NAME}", "a")]
    assert run.holding == "a"
    pieces += [*run.feed(after if after != "/x" else ".evil.example/x", "b"), *run.close()]
    assert "".join(text for _, text in pieces).startswith(f"see {NAME}")
    assert {owner for owner, _ in pieces} == {"a", "b"}


def test_values_that_may_not_go_into_text_stay() -> None:
    vault = Vault(b"k" * 32)
    vault.mark_restorable(vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL), ["crm"])
    stream = Restorer(vault, ()).stream()
    assert stream.feed(f"to {NAME} now") + stream.close() == f"to {NAME} now"
