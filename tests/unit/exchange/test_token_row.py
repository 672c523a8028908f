"""What is told of tokens waits for its text, and goes out without the words that are masked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.dialects import TextDelta, Tokens, json_event
from gateway.exchange.repeats import SentTexts
from gateway.exchange.token_row import TokenRow
from gateway.words import Finding, InspectedPart, Part

PIECES = ("mail", " ana", "@acme", ".org", " now")


async def inspected(parts: Sequence[Part]) -> tuple[InspectedPart, ...]:
    """Find a card in whatever says so."""
    found = Finding("CREDIT_CARD", "pii", 1.0, "", 0, 4)
    return tuple(
        InspectedPart(one, "", True, (found,) if "card" in one.text else (), one.text) for one in parts
    )


def delta(*texts: str, beside: str = "") -> TextDelta:
    items = [text or "\\xf0" for text in texts]
    tokens = Tokens(items, texts, beside, json_event, "/place")
    return TextDelta("c", Part("assistant", "text", "", "".join(texts)), json_event, tokens)


def told(row: TokenRow, length: int) -> list[Any]:
    return [json.loads(event.data) for event in row.settled("c", length)]


@pytest.fixture
def sent() -> SentTexts:
    return SentTexts()


async def test_tokens_come_with_what_is_settled_of_their_text(sent: SentTexts) -> None:
    row = TokenRow(sent, inspected)
    await row.take(delta(*PIECES[:2]))
    await row.take(delta(*PIECES[2:]))
    assert [told(row, length) for length in (0, 3, 4, 12, 21)] == [
        [],
        [],
        [["mail"]],
        [[" ana"]],
        [["@acme", ".org", " now"]],
    ]
    assert sent.tokens == {"/place": [*PIECES]}


async def test_a_token_that_reaches_into_a_masked_word_stays_behind(sent: SentTexts) -> None:
    row = TokenRow(sent, inspected)
    await row.take(delta(*PIECES))
    row.hide("c", 5, 17)
    assert told(row, 21) == [["mail", " now"]]
    assert sent.tokens == {"/place": ["mail", " now"]}


async def test_a_further_piece_of_a_character_goes_where_its_character_does(sent: SentTexts) -> None:
    row = TokenRow(sent, inspected)
    await row.take(delta("🙂", "", "!"))
    await row.take(delta("🙂", ""))
    row.hide("c", 2, 3)
    assert told(row, 3) == [["🙂", "\\xf0", "!"]]


async def test_tokens_beside_which_a_value_stands_are_left_out(sent: SentTexts) -> None:
    row = TokenRow(sent, inspected)
    await row.take(delta("a", beside="a card"))
    await row.take(delta("b", beside="b"))
    assert told(row, 2) == [["b"]]
