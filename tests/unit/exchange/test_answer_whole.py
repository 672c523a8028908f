"""A large completion gets its values back off the event loop."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

import pytest

from gateway.config import Limits
from gateway.errors import UpstreamUnreadable
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


@pytest.mark.parametrize("media_type", [None, "text/plain", "text/plain; charset=utf-8", "image/x"])
async def test_json_is_json_whatever_it_is_called(
    inspector: Inspector, new_exchange: NewExchange, media_type: str | None
) -> None:
    exchange = new_exchange()
    exchange.received = replace(exchange.received, dialect="openai.chat")
    exchange.restorer = Restorer(exchange.vault, [])
    whole = WholeCompletion(cast(Holder, None), inspector, cast(Ledger, Forgetful()), Limits())
    headers = {"content-type": media_type} if media_type else {}

    message = {"role": "assistant", "content": "hello"}
    said = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    answer = await whole.answer(exchange, ReplayedResponse(200, headers, json.dumps(said).encode()))
    assert (json.loads(cast(bytes, answer.body)), answer.headers["content-type"]) == (
        said,
        "application/json",
    )

    with pytest.raises(UpstreamUnreadable, match="a body that no parser knows"):
        await whole.answer(exchange, ReplayedResponse(200, headers, b"hello"))


async def test_an_answer_without_a_body_has_no_type(inspector: Inspector, new_exchange: NewExchange) -> None:
    whole = WholeCompletion(cast(Holder, None), inspector, cast(Ledger, Forgetful()), Limits())
    exchange = new_exchange()
    exchange.restorer = Restorer(exchange.vault, [])
    answer = await whole.answer(exchange, ReplayedResponse(204, {}, b""))
    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers
