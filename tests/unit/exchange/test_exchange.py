"""What every answer says of its exchange, and what goes up with the body."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from gateway.contract.decision import Action, Decision
from gateway.exchange.steps import Decided, Sent
from gateway.words import Completion, Phase, Usage
from tests.unit.exchange.conftest import NewExchange


def decided(phase: Phase, action: Action) -> Decided:
    return Decided(phase, f"dec_{phase}", Decision(action, revision="r1"), (), 0, 0)


def test_headers_name_only_what_is_known(new_exchange: NewExchange) -> None:
    exchange = new_exchange()
    assert exchange.headers() == {"x-regate-exchange-id": exchange.id}


@pytest.mark.parametrize(("prompt", "completion"), [("mask", "deny"), ("deny", "allow"), ("allow", "mask")])
def test_the_more_restrictive_of_both_decisions_is_the_action(
    new_exchange: NewExchange, prompt: Action, completion: Action
) -> None:
    exchange = new_exchange()
    exchange.decided = decided("request", prompt)
    exchange.recorded = [exchange.decided, decided("response", completion)]
    headers = exchange.headers()
    assert headers["x-regate-action"] == max(prompt, completion, key=get_args(Action).index)
    assert headers["x-regate-request-action"] == prompt
    assert headers["x-regate-response-action"] == completion
    assert headers["x-regate-decision-id"] == "dec_request"


def test_tokens_are_spent_only_by_a_call_to_the_provider(new_exchange: NewExchange) -> None:
    """A completion that was held and is released later was paid for before."""
    exchange = new_exchange()
    exchange.completion = Completion(usage=Usage(3, 4))
    assert exchange.usage_spent == Usage()
    exchange.forwarded = Sent(exchange.started, 2, "d")
    assert exchange.usage_spent == Usage(3, 4)


def test_what_went_up_counts_unless_the_provider_could_not_be_reached(new_exchange: NewExchange) -> None:
    exchange = new_exchange()
    assert not exchange.counts
    exchange.forwarded = Sent(exchange.started, 2, "d")
    assert exchange.counts
    exchange.outcome = "upstream_unavailable"
    assert not exchange.counts


def test_revision_and_action_are_those_of_the_prompts_decision(new_exchange: NewExchange) -> None:
    exchange = new_exchange()
    assert (exchange.action, exchange.revision, exchange.decision) == ("", "", None)
    exchange.decided = replace(decided("request", "mask"), id="dec_1")
    assert (exchange.action, exchange.revision, exchange.decision_id) == ("mask", "r1", "dec_1")


def test_what_another_provider_answers_takes_room_as_well(new_exchange: NewExchange) -> None:
    taken: list[int] = []
    exchange = new_exchange(hold=taken.append)
    exchange.begin_anew("other", b"{}")
    exchange.call.hold(7)
    assert taken == [7]
