"""Whether a request stays within what its agent's key is good for, once it is known what it asks for."""

from __future__ import annotations

from gateway.dialects import is_generative, reachable
from gateway.errors import OutOfScope
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import UNLABELED
from gateway.identity import check_use


def check_reach(exchange: Exchange) -> None:
    """Raise OutOfScope for a provider, a path or a model that the key is not for.

    A model that the request leaves to its provider, or that no parser can name, is none of the key's models.
    """
    scope = exchange.agent.scope
    models = reachable(exchange.prompt.models, exchange.envelope.up_path)
    check_use(scope, exchange.provider, exchange.envelope.up_path, models)
    unnamed = not models and (is_generative(exchange.dialect) or exchange.dialect in UNLABELED)
    if scope.models and exchange.received.has_body and (unnamed or exchange.prompt.unseen):
        allowed = ", ".join(scope.models)
        raise OutOfScope(f"this key is for {allowed}; the request does not say which model it asks")
