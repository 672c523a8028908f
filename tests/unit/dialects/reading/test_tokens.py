"""Tokens are read joined, as the text that they are pieces of."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects.reading.leaves import FIELD, Grammar, Walk
from gateway.dialects.reading.stream import Tokens, json_event
from gateway.dialects.reading.tokens import TokenReader, read_tokens

GRAMMAR = Grammar(frozenset({"logprob"}), {})


def read(tokens: Any) -> list[tuple[str, str, str]]:
    walk = Walk(GRAMMAR)
    read_tokens(walk, tokens, "/logprobs", FIELD)
    return [(part.pointer, part.text, part.place) for part in walk.parts]


def test_tokens_are_one_part_and_what_stands_beside_each_another() -> None:
    tokens = [{"token": "ali", "logprob": -0.12345678}, {"token": "ce@x.example", "odd": "o"}]
    assert read(tokens) == [
        ("/logprobs", "alice@x.example", "tokens"),
        ("/logprobs/1", "odd\no", "tokens"),
    ]


@pytest.mark.parametrize("tokens", ["text", [{"token": 1, "a": "text"}], {"a": "text"}, ["text"]])
def test_what_is_no_list_of_tokens_is_read_on(tokens: Any) -> None:
    assert "text" in {text for _, text, _ in read(tokens)}


def taken(text: str, *pieces: Any) -> Tokens | None:
    reader = TokenReader()
    for items in pieces:
        reader.note("c", items)
    return reader.take("c", text, json_event)


def test_tokens_belong_to_the_text_that_they_spell() -> None:
    tokens = taken("alice", [{"token": "ali", "logprob": -1.5}], [{"token": "ce"}])
    assert tokens is not None
    assert (tokens.texts, tokens.beside) == (["ali", "ce"], "")
    assert taken("alice", [{"token": "bob"}]) is None
    assert taken("alice", [{"token": "alice"}, "more"]) is None
    assert taken("alice", "alice") is None
    assert taken("alice") is None


def test_pieces_of_a_character_are_known_by_their_bytes() -> None:
    first, second = {"token": "\\xf0\\x9f", "bytes": [240, 159]}, {"token": "?", "bytes": [153, 130]}
    tokens = taken("🙂", [first], [second])
    assert tokens is not None
    assert (tokens.items, tokens.texts) == ([first, second], ["🙂", ""])
    assert tokens.beside.split() == ["\\xf0\\x9f", "?"]  # which nothing shows to be what the bytes are
    assert taken("🙂", [first], [{**second, "bytes": [153, 131]}]) is None
    assert taken("🙂", [first], [{**second, "bytes": [999]}]) is None
    assert taken("🙂", [first], [{"token": "?"}]) is None


def test_all_other_text_in_tokens_is_told() -> None:
    odd = {"top_logprobs": [{"token": "bob", "bytes": [98], "logprob": -0.123456789}], "odd": 12345678}
    tokens = taken("a", [{"token": "a", "bytes": [97], **odd}])
    assert tokens is not None
    assert tokens.beside.split() == ["bob", "odd", "12345678"]
