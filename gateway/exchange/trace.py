"""The steps of an exchange as debug lines (`REGATE_LOG=debug`): counts and names, never content.

Each line has the exchange's id and the milliseconds since it began.
"""

from __future__ import annotations

import logging
from collections import Counter

from gateway.exchange.exchange import Decided, Exchange

_log = logging.getLogger("regate.exchange")


def received(exchange: Exchange) -> None:
    """Log what was read: how many parts, and characters in them."""
    if _log.isEnabledFor(logging.DEBUG):
        parts = exchange.prompt.parts
        characters = sum(len(part.text) for part in parts)
        _log_step(exchange, "received", dialect=exchange.dialect, parts=len(parts), characters=characters)


def inspected(exchange: Exchange) -> None:
    """Log what was found, in counts by entity, and how many parts are new."""
    if _log.isEnabledFor(logging.DEBUG):
        found = Counter(finding.entity for part in exchange.parts for finding in part.findings)
        new = sum(part.new for part in exchange.parts)
        _log_step(exchange, "inspected", entities=dict(found), new_parts=new)


def decided(exchange: Exchange, decided: Decided) -> None:
    """Log what policy said, and the rules that spoke."""
    if _log.isEnabledFor(logging.DEBUG):
        rules = [reason.rule for reason in decided.decision.reasons]
        action = decided.decision.action
        _log_step(exchange, "decided", phase=decided.phase, action=action, rules=rules)


def held(exchange: Exchange) -> None:
    """Log that the exchange waits for an approval."""
    _log_step(exchange, "held", approval_id=exchange.waits_for)


def forwarded(exchange: Exchange) -> None:
    """Log what begins to go to the provider, in bytes."""
    if exchange.forwarded:
        _log_step(exchange, "forwarded", provider=exchange.provider, bytes=exchange.forwarded.bytes)


def answered(exchange: Exchange, status: int) -> None:
    """Log how the exchange ended; the status is 0 when its answer broke off."""
    how = "stream" if exchange.prompt.stream else "whole"
    _log_step(exchange, "answered", status=status, how=how, outcome=exchange.outcome)


def _log_step(exchange: Exchange, step: str, **fields: object) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        extra = {"exchange_id": exchange.id, "ms": round(exchange.elapsed_ms(), 1), **fields}
        _log.debug(step, extra=extra)
