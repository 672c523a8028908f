"""Only a held stream is kept alive, and only where the configuration wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.config import ServerKey
from gateway.contract.decision import Action, Decision
from gateway.exchange.hold import Holder, answer_at_once, keeps_alive
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Answer, Decided, Received
from gateway.words import Prompt
from tests.unit.exchange.conftest import NewExchange


@pytest.mark.parametrize(
    ("seconds", "stream", "action", "enforced", "kept"),
    [
        (5, True, "require_approval", True, True),
        (0, True, "require_approval", True, False),
        (5, False, "require_approval", True, False),
        (5, True, "mask", True, False),
        (5, True, "require_approval", False, False),
    ],
)
def test_a_held_stream_is_kept_alive(
    new_exchange: NewExchange, seconds: float, stream: bool, action: Action, enforced: bool, kept: bool
) -> None:
    exchange = new_exchange()
    exchange.enforced, exchange.received = enforced, Received("openai.chat", prompt=Prompt(stream=stream))
    exchange.decided = Decided("request", "dec_1", Decision(action), (), 0, 0)
    assert keeps_alive(exchange, seconds) is kept


async def test_comments_come_before_the_answer(new_exchange: NewExchange) -> None:
    async def act() -> Answer:
        return Answer(429, {}, b'{"error": {"message": "busy"}}')

    ledger: Ledger = None  # type: ignore[assignment]  # nothing is refused
    answer = answer_at_once(new_exchange(), act(), ledger, 5)
    assert answer.status == 200
    assert not isinstance(answer.body, bytes)
    sent = [event async for event in answer.body]
    assert sent[0].startswith(b":")
    assert b"busy" in sent[-1]


async def test_a_held_stream_that_is_answered_by_a_text_ends_with_an_error(new_exchange: NewExchange) -> None:
    async def act() -> Answer:
        return Answer(200, {}, b"1\n00:00:00,000 --> 00:00:01,000\nHello")

    exchange = new_exchange()
    exchange.outcome = "completed"  # it is on record
    ledger: Ledger = Ledger(None, None)  # type: ignore[arg-type]
    answer = answer_at_once(exchange, act(), ledger, 5)
    assert not isinstance(answer.body, bytes)
    assert b"upstream_unreadable" in [event async for event in answer.body][-1]


def test_an_approval_takes_no_tag_for_a_header(new_exchange: NewExchange) -> None:
    """A guardrail that goes up as a header is none as a tag, which stays here."""
    unused: Any = None
    holder, name = Holder(unused, unused, ServerKey(b"s" * 32), unused), "x-guardrail"
    header, tag = new_exchange(), new_exchange()
    header.received = replace(header.received, headers={name: "strict"})
    envelope = replace(tag.received.envelope, tags={name: "strict"})
    tag.received = replace(tag.received, envelope=envelope)
    one, other = (holder._binding(each, "request").digest for each in (header, tag))
    assert one != other
