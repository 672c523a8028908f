"""What an exchange counts for budgets: what its provider counted, and an estimate of all that it left out."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.contract import estimate_tokens
from gateway.dialects import is_generative, reachable
from gateway.exchange.exchange import Exchange
from gateway.words import Part, Usage

_SAID = ("text", "tool_call", "signed")


def expected_usage(exchange: Exchange) -> Usage:
    """Return what the prompt is thought to take of a model, wherever that is named; 0 where none is asked."""
    if not _asks_model(exchange):
        return Usage(0, 0)
    return Usage(estimate_tokens(sum(len(part.text) for part in exchange.prompt.parts)), 0)


def counted_usage(exchange: Exchange) -> Usage:
    """Return what counts, by the provider's count. What it did not say is estimated where something was made.

    A stream that broke off may have been counted as far as its beginning: there the larger of both counts.
    """
    told, heard = exchange.usage_spent, exchange.heard
    if exchange.forwarded is None or not exchange.is_counted:
        return Usage(0, 0)
    completed = exchange.outcome == "completed"
    failed = completed and exchange.status >= 400
    if failed or not _asks_model(exchange):
        return Usage(max(told.input_tokens, 0), max(told.output_tokens, 0))
    made_nothing = completed and not (exchange.prompt.stream or heard)
    if told.input_tokens >= 0:
        sent = told.input_tokens
    else:
        sent = 0 if made_nothing else expected_usage(exchange).input_tokens
    if completed and told.output_tokens >= 0:
        return Usage(sent, told.output_tokens)
    return Usage(sent, max(told.output_tokens, heard))


def cost_of(exchange: Exchange, usage: Usage) -> float:
    """Return what so many tokens cost of the dearest model that was asked or may be reached; -1: not known.

    Its provider may go by the path, by the body, or by another model that the body names.
    """
    return max((exchange.upstream.cost(name, usage) for name in _models(exchange)), default=-1)


def heard_tokens(characters: int, events: int = 0) -> int:
    """Return the tokens that so much of a completion is thought to be: an event of a stream is one at least.

    So a call that has not come to its end counts, too, of which no character has gone out.
    """
    return max(estimate_tokens(characters), events)


def said_characters(parts: Iterable[Part]) -> int:
    """Return how many characters of these parts a model said."""
    return sum(len(part.text) for part in parts if part.kind in _SAID)


def _models(exchange: Exchange) -> tuple[str, ...]:
    return reachable(exchange.prompt.models, exchange.envelope.path)


def _asks_model(exchange: Exchange) -> bool:
    """Return whether a model is asked: some servers choose one for requests that name none."""
    return is_generative(exchange.dialect) or bool(exchange.prompt.parts and _models(exchange))
