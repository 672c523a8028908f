"""A session's id goes back to the provider that issued it, from the agent that got it, and from no other."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from gateway.config import ServerKey
from gateway.errors import InvalidRequest
from gateway.exchange.exchange import Exchange
from gateway.exchange.issued import opened, sealed
from gateway.exchange.steps import Envelope, Received
from gateway.upstream import Transport, Upstream
from gateway.words import Agent
from tests.unit.exchange.conftest import NewExchange

KEY = ServerKey(b"s" * 32)
ANA = Agent("agent", "ana", "api_key")
ISSUED = "eyJhbGciOiJIUzI1NiJ9.e30.abc"  # what servers issue may look like a secret


def exchange_of(
    new_exchange: NewExchange,
    given: str = "",
    agent: Agent = ANA,
    provider: str = "office",
    path: str = "/mcp",
) -> Exchange:
    exchange = new_exchange(headers={"mcp-session-id": given} if given else {})
    exchange.agent = agent
    exchange.received = Received(
        upstream=Upstream(provider, "mcp", cast(Transport, None), None), envelope=Envelope(path)
    )
    return exchange


def test_what_was_issued_comes_back_as_it_was(new_exchange: NewExchange) -> None:
    given = sealed(KEY, exchange_of(new_exchange), {"mcp-session-id": ISSUED, "x-other": "1"})
    assert given.keys() == {"mcp-session-id"}
    assert given["mcp-session-id"] != ISSUED
    assert opened(KEY, exchange_of(new_exchange, given["mcp-session-id"])) == {"mcp-session-id": ISSUED}
    assert opened(KEY, exchange_of(new_exchange)) == {}


@pytest.mark.parametrize(
    "agent", [replace(ANA, id="b"), replace(ANA, owner="bea"), replace(ANA, on_behalf_of="c")]
)
def test_it_is_not_anothers(new_exchange: NewExchange, agent: Agent) -> None:
    given = sealed(KEY, exchange_of(new_exchange), {"mcp-session-id": ISSUED})["mcp-session-id"]
    for other in (
        exchange_of(new_exchange, given, agent),
        exchange_of(new_exchange, given, provider="shop"),
        exchange_of(new_exchange, given, path="/users/7"),
        exchange_of(new_exchange, ISSUED),
        exchange_of(new_exchange, f"x{given}"),
        exchange_of(new_exchange, "ä"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            opened(KEY, other)
        assert refused.value.status == 404


@pytest.mark.parametrize("value", ["two words", "ä", "x" * 1025])
def test_what_is_no_id_stays_behind(new_exchange: NewExchange, value: str) -> None:
    assert sealed(KEY, exchange_of(new_exchange), {"mcp-session-id": value}) == {}
