"""Headers that a provider issues and gets back, a session's id say: callers have them under a seal.

The seal says to whom the provider gave it and at which address, so that no agent goes on with another's
session, and that the provider did: what looks like a secret in it was not put there by the caller.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from gateway.config import ServerKey
from gateway.dialects import families
from gateway.errors import InvalidRequest
from gateway.exchange.exchange import Exchange

_SEAL = 32  # characters of hex
_LONGEST = 1024


def sealed(key: ServerKey, exchange: Exchange, headers: Mapping[str, str]) -> dict[str, str]:
    """Return what the provider issues in its answer's `headers`, as the caller may have it."""
    found = {name: headers[name] for name in issued_names(exchange) if name in headers}
    return {
        name: f"{value}.{_seal(key, exchange, name, value)}"
        for name, value in found.items()
        if len(value) <= _LONGEST and value.isascii() and value.isprintable() and " " not in value
    }


def opened(key: ServerKey, exchange: Exchange) -> dict[str, str]:
    """Return what the provider issued to this caller, and gets back with this request.

    Raises InvalidRequest for what this caller did not get here; its status 404 says to begin anew.
    """
    found = {}
    for name in issued_names(exchange):
        given = exchange.call.headers.get(name)
        if given is None:
            continue
        value, _, seal = given.rpartition(".")
        if not hmac.compare_digest(seal.encode(), _seal(key, exchange, name, value).encode()):
            refusal = InvalidRequest(f"header {name}: not issued to this agent through this gateway")
            refusal.status = 404
            raise refusal
        found[name] = value
    return found


def issued_names(exchange: Exchange) -> list[str]:
    """Return the headers that this provider issues, in lower case."""
    family = families().get(exchange.family)
    return sorted(family.issued_headers) if family else []


def _seal(key: ServerKey, exchange: Exchange, name: str, value: str) -> str:
    agent, path = exchange.agent, exchange.envelope.up_path
    fields = name, exchange.provider, path, agent.id, agent.owner, agent.on_behalf_of, value
    return key.digest("issued header", *(field.encode() for field in fields)).hex()[:_SEAL]
