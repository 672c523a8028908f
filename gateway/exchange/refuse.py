"""A refusal in the dialect's own error shape, as a whole answer or as an event in a stream."""

from __future__ import annotations

from typing import Any

from gateway.dialects import SseEvent, error_document, error_event, rpc_of, serialize
from gateway.errors import PolicyOutcome, Refusal
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Answer

# The codes of a denial that need not be a decision: an approver or the gateway itself may have said no.
_DENIALS = ("policy_denied", "approval_denied", "approval_expired")


def refusal_answer(exchange: Exchange, refusal: Refusal) -> Answer:
    """Return the answer for a refusal before the first byte."""
    extra = {"decision_id": exchange.decision_id, "reasons": [], **refusal.extra}
    headers = {**refusal.headers, "content-type": "application/json", **exchange.headers()}
    if refusal.code in _DENIALS:
        headers["x-regate-action"] = "deny"
    if isinstance(refusal, PolicyOutcome):
        headers["x-should-retry"] = "false"
    return Answer(_status(exchange, refusal), headers, serialize(_document(exchange, refusal, extra)))


def refusal_event(exchange: Exchange, refusal: Refusal) -> SseEvent:
    """Return the error event, with the code that the status line could no longer carry."""
    extra = {"decision_id": exchange.decision_id, **refusal.extra}
    return error_event(exchange.family, _document(exchange, refusal, extra))


def _document(exchange: Exchange, refusal: Refusal, extra: dict[str, Any]) -> Any:
    document = error_document(exchange.family, refusal.code, refusal.message, extra)
    rpc = rpc_of(exchange.dialect)
    return rpc.addressed(document, exchange.received.body) if rpc else document


def _status(exchange: Exchange, refusal: Refusal) -> int:
    """Return the status of HTTP. A call that was read has an error of its own protocol for an answer.

    Its clients wait for that. The provider's own status, and that of a request which is none, stay.
    """
    rpc, is_own = rpc_of(exchange.dialect), refusal.status == type(refusal).status
    answers = isinstance(refusal, PolicyOutcome) or (is_own and refusal.status >= 500)
    return 200 if rpc and answers and rpc.expects_answer(exchange.received.body) else refusal.status
