"""A large completion gets its values back off the event loop."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from gateway.config import Limits
from gateway.exchange.answer_whole import WholeCompletion
from gateway.exchange.hold import Holder
from gateway.exchange.inspect import Inspector
from gateway.exchange.record import Ledger
from gateway.masking import Restorer
from gateway.upstream import ReplayedResponse
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange, WatchedVault


class Forgetful:
    """A ledger that keeps nothing."""

    def record_completion(self, *_: object) -> None:
        """Keep nothing."""


async def test_values_come_back_to_a_large_completion_off_the_event_loop(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    exchange = new_exchange()
    exchange.received = replace(exchange.received, dialect="openai.chat")
    exchange.vault = vault = WatchedVault()
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(name)
    exchange.restorer = Restorer(vault, [EMAIL])
    message = {"role": "assistant", "content": f"Dear {name}, " * 1000}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    whole = WholeCompletion(cast(Holder, None), inspector, cast(Ledger, Forgetful()), Limits())
    vault.on_loop.clear()

    answer = await whole.answer(exchange, ReplayedResponse(200, {}, body))

    assert vault.on_loop == {True, False}  # asked whether there is anything to restore, and restored
    assert (
        json.loads(cast(bytes, answer.body))["choices"][0]["message"]["content"] == f"Dear {EMAIL}, " * 1000
    )
