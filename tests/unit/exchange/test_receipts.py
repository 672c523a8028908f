"""Receipts are read by the gateway that made them, and cannot be made or changed by another."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from gateway.config import ServerKey
from gateway.exchange.receipts import HEADER, NoReceipt, Receipts
from gateway.exchange.steps import Answer, Sent
from tests.unit.exchange.conftest import NewExchange

RECEIPTS = Receipts(ServerKey(b"k" * 32))


def test_a_receipt_says_what_went_up_and_what_came_back(new_exchange: NewExchange) -> None:
    """The answer's other headers stay."""
    exchange = new_exchange()
    exchange.forwarded = Sent(exchange.started, 2, "ab12")
    answer = RECEIPTS.attach(exchange, Answer(200, {"a": "b"}, b"hello"))
    receipt = RECEIPTS.read(answer.headers[HEADER])
    assert (receipt.exchange, receipt.sent, receipt.status) == (exchange.id, "ab12", 200)
    assert receipt.answered == RECEIPTS.digest(b"hello") != RECEIPTS.digest(b"hello!")
    assert answer.headers["a"] == "b"


async def test_a_receipt_of_a_stream_does_not_say_what_came_back(new_exchange: NewExchange) -> None:
    """Its headers go first."""

    async def events() -> AsyncGenerator[bytes]:
        yield b"event"

    answer = RECEIPTS.attach(new_exchange(), Answer(200, {}, events()))
    assert RECEIPTS.read(answer.headers[HEADER]).answered == ""


@pytest.mark.parametrize("change", ["", "x", "é.b", "a.b.c", "flip"])
def test_what_this_gateway_did_not_make_is_no_receipt(new_exchange: NewExchange, change: str) -> None:
    """Not with one character changed, and not from another key."""
    made = RECEIPTS.attach(new_exchange(), Answer(200, {}, b"")).headers[HEADER]
    middle = len(made) // 3
    flipped = made[:middle] + ("A" if made[middle] != "A" else "B") + made[middle + 1 :]
    with pytest.raises(NoReceipt):
        RECEIPTS.read(flipped if change == "flip" else change)
    with pytest.raises(NoReceipt):
        Receipts(ServerKey(b"o" * 32)).read(made)
