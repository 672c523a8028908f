"""A refusal in the dialect's own error shape, as a whole answer or as an event in a stream."""

from __future__ import annotations

from gateway.dialects import SseEvent, error_document, error_event, serialize
from gateway.errors import PolicyOutcome, Refusal
from gateway.exchange.exchange import Answer, Exchange

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
    body = error_document(exchange.family, refusal.code, refusal.message, extra)
    return Answer(refusal.status, headers, serialize(body))


def refusal_event(exchange: Exchange, refusal: Refusal) -> SseEvent:
    """Return the error event, with the code that the status line could no longer carry."""
    extra = {"decision_id": exchange.decision_id, **refusal.extra}
    return error_event(exchange.family, error_document(exchange.family, refusal.code, refusal.message, extra))
