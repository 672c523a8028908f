"""A refusal looks like an error of the provider's own, and says what may be done about it."""

from __future__ import annotations

import json
from typing import cast

import pytest

from gateway.errors import ApprovalDenied, ApprovalRequired, InvalidRequest, PolicyDenied, Refusal
from gateway.exchange.refuse import refusal_answer, refusal_event
from tests.unit.exchange.conftest import NewExchange


@pytest.mark.parametrize(
    ("refusal", "action", "retry"),
    [
        (PolicyDenied("no", reasons=[]), "deny", "false"),
        (ApprovalDenied("no"), "deny", "false"),
        (ApprovalRequired("wait", approval_id="ap_1"), None, "false"),
        (InvalidRequest("what?"), None, None),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else str(value),
)
def test_a_refusal_says_whether_it_is_a_denial_and_may_be_retried(
    new_exchange: NewExchange, refusal: Refusal, action: str | None, retry: str | None
) -> None:
    answer = refusal_answer(new_exchange(), refusal)
    assert answer.status == refusal.status
    assert answer.headers.get("x-regate-action") == action
    assert answer.headers.get("x-should-retry") == retry
    error = json.loads(cast(bytes, answer.body))["error"]
    assert (error["code"], error["message"]) == (refusal.code, refusal.message)


def test_in_a_stream_the_event_carries_the_code(new_exchange: NewExchange) -> None:
    event = refusal_event(new_exchange(), PolicyDenied("no", reasons=[]))
    assert json.loads(event.data)["error"]["code"] == "policy_denied"
