"""Tasks that a server runs for an agent: what comes of one is for the agent that it was begun for."""

from __future__ import annotations

from typing import Any

from gateway.config import ServerKey
from gateway.dialects import endpoint, rpc_of
from gateway.errors import InvalidRequest
from gateway.exchange.exchange import Exchange
from gateway.state import TaskHolders

_INVALID_PARAMS = -32602  # of JSON-RPC, as servers answer for a task that they do not have
_MOST = 1000  # of one request


class Tasks:
    """Remembers to whom the ids of tasks went first. Its methods raise StateUnavailable."""

    def __init__(self, key: ServerKey, holders: TaskHolders | None) -> None:
        self._key = key
        self._holders = holders

    async def check(self, exchange: Exchange) -> None:
        """Raise InvalidRequest when a request names a task that is known to be another agent's."""
        tasks = self._named(exchange, exchange.received.body)
        if len(tasks) > _MOST:
            raise InvalidRequest(f"expected at most {_MOST} tasks", rpc_code=_INVALID_PARAMS)
        if self._holders and tasks and await self._holders.of(tasks) - {self._holder(exchange)}:
            raise InvalidRequest("a task was not begun for this agent", rpc_code=_INVALID_PARAMS)

    async def take(self, exchange: Exchange, document: Any) -> None:
        """Remember the tasks that an answer names, before it goes out."""
        tasks = self._named(exchange, document)
        if self._holders is not None and tasks:
            await self._holders.keep(tasks, self._holder(exchange))

    def _named(self, exchange: Exchange, document: Any) -> list[str]:
        rpc = rpc_of(exchange.dialect)
        if rpc is None:
            return []
        # By whichever provider of the same server, and however its address is spelled.
        server = f"{exchange.upstream.base_url}{endpoint(exchange.envelope.up_path)}".rstrip("/").casefold()
        return [self._digest("task", server, task) for task in sorted(rpc.tasks(document))]

    def _holder(self, exchange: Exchange) -> str:
        agent = exchange.agent
        return self._digest("holder of tasks", agent.id, agent.owner, agent.on_behalf_of)

    def _digest(self, purpose: str, *fields: str) -> str:
        return self._key.digest(purpose, *(field.encode() for field in fields)).hex()
