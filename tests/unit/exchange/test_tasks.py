"""A task of a server's is for the agent that it was begun for, at the server that began it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.config import ServerKey
from gateway.errors import InvalidRequest
from gateway.exchange.exchange import Exchange
from gateway.exchange.steps import Envelope, Received
from gateway.exchange.tasks import Tasks
from gateway.state import State, TaskHolders, open_state
from gateway.upstream import Transport, Upstream
from gateway.words import Agent
from tests.unit.exchange.conftest import NewExchange

KEY = ServerKey(b"s" * 32)
ANA = Agent("agent", "ana", "api_key")
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": {"taskId": "t1", "status": "working"}}
ASKED = {"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"taskId": "t1"}}


@pytest.fixture
def state(tmp_path: Any) -> State:
    return open_state(tmp_path / "regate.db")


def exchange_of(
    new_exchange: NewExchange,
    agent: Agent = ANA,
    provider: str = "office",
    path: str = "/mcp",
    base: str = "",
) -> Exchange:
    exchange = new_exchange()
    exchange.agent = agent
    upstream = Upstream(provider, "mcp", cast(Transport, None), None, base_url=base or f"http://{provider}")
    exchange.received = Received(upstream=upstream, envelope=Envelope(path), dialect="mcp", body=ASKED)
    return exchange


async def test_only_the_first_agent_uses_a_task(new_exchange: NewExchange, state: State) -> None:
    tasks = Tasks(KEY, TaskHolders(state))
    await tasks.take(exchange_of(new_exchange), ANSWER)
    for other in (
        Agent("other", "ana", "api_key"),
        replace(ANA, owner="bea"),
        replace(ANA, on_behalf_of="cy"),
    ):
        await tasks.take(exchange_of(new_exchange, other), ANSWER)
        with pytest.raises(InvalidRequest, match="not begun for this agent") as refused:
            await tasks.check(exchange_of(new_exchange, other))
        assert refused.value.extra == {"rpc_code": -32602}
    await tasks.check(exchange_of(new_exchange))
    await tasks.check(exchange_of(new_exchange, Agent("other", "ana", "api_key"), provider="shop"))
    state.close()


@pytest.mark.parametrize(
    "other_way",
    [
        {"path": "/mcp/"},
        {"path": "/MCP"},
        {"provider": "again", "base": "http://office"},
        {"path": "", "base": "http://office/mcp"},
    ],
)
async def test_a_task_is_known_whichever_way_its_server_is_reached(
    new_exchange: NewExchange, state: State, other_way: dict[str, str]
) -> None:
    tasks = Tasks(KEY, TaskHolders(state))
    await tasks.take(exchange_of(new_exchange), ANSWER)
    with pytest.raises(InvalidRequest, match="not begun for this agent"):
        await tasks.check(exchange_of(new_exchange, Agent("other", "ana", "api_key"), **other_way))
    state.close()


async def test_a_request_cannot_hide_a_task_among_many(new_exchange: NewExchange, state: State) -> None:
    tasks = Tasks(KEY, TaskHolders(state))
    asking = exchange_of(new_exchange)
    many = {"taskId": "t1", "taskIds": [f"a{number}" for number in range(1000)]}
    asking.received = replace(asking.received, body={**ASKED, "params": many})
    with pytest.raises(InvalidRequest, match="at most 1000 tasks"):
        await tasks.check(asking)
    state.close()


async def test_without_a_state_and_of_other_dialects_nothing_is_kept(
    new_exchange: NewExchange, state: State
) -> None:
    await Tasks(KEY, None).take(exchange_of(new_exchange), ANSWER)
    await Tasks(KEY, None).check(exchange_of(new_exchange))
    plain = exchange_of(new_exchange)
    plain.received = replace(plain.received, dialect="openai.chat")
    tasks = Tasks(KEY, TaskHolders(state))
    await tasks.take(plain, ANSWER)
    await tasks.check(exchange_of(new_exchange, Agent("other", "ana", "api_key")))
    state.close()
