"""Tokens are read joined, as the text that they are pieces of."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects.reading.leaves import FIELD, Grammar, Walk
from gateway.dialects.reading.tokens import read_tokens

GRAMMAR = Grammar(frozenset({"logprob"}), {})


def read(tokens: Any) -> list[tuple[str, str, str]]:
    walk = Walk(GRAMMAR)
    read_tokens(walk, tokens, "/logprobs", FIELD)
    return [(part.pointer, part.text, part.place) for part in walk.parts]


def test_tokens_are_one_structural_part() -> None:
    tokens = [{"token": "ali", "logprob": -0.12345678}, {"token": "ce@x.example", "odd": "o"}]
    assert read(tokens) == [
        ("/logprobs", "alice@x.example", "structural"),
        ("/logprobs/1/odd", "odd", "key"),
        ("/logprobs/1/odd", "o", "structural"),
    ]


@pytest.mark.parametrize("tokens", ["text", [{"token": 1, "a": "text"}], {"a": "text"}, ["text"]])
def test_what_is_no_list_of_tokens_is_read_on(tokens: Any) -> None:
    assert "text" in {text for _, text, _ in read(tokens)}
