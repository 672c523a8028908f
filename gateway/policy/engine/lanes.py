"""Deciding about recorded inputs in bulk, in as many lanes as there are cores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from gateway.contract import Decision
from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy.engine.embedded import embedded_available
from gateway.policy.engine.opa import GET_OPA, PINNED, find_opa
from gateway.policy.engine.opa_server import OpaServer
from gateway.policy.engine.regorus_process import RegorusProcess
from gateway.policy.source.source import PolicySource

Engine = Literal["embedded", "sidecar"]
Failed = PolicyError | PolicyUnavailable

_QUESTIONS_PER_CORE = 4  # to an OPA, which answers many at a time


class Lane(Protocol):
    """Decides about one batch at a time."""

    def decide_each(self, documents: Sequence[dict[str, Any]]) -> AsyncIterator[Decision | Failed]:
        """Yield one outcome for each input, in their order. An input that takes the engine too long fails by
        itself. Raises PolicyUnavailable when the engine cannot run at all."""
        ...


@asynccontextmanager
async def open_lanes(
    source: PolicySource, engine: Engine | None, *, cores: int, timeout_seconds: float
) -> AsyncIterator[tuple[Engine, Sequence[Lane]]]:
    """Open lanes that decide by `source`; without `engine` the embedded one, which is quicker in bulk.

    Raises ConfigError, with file and line, when the policy cannot be used or the engine is not installed, and
    PolicyUnavailable when the engine does not run. No process is left behind.
    """
    chosen: Engine = engine or ("embedded" if embedded_available() else "sidecar")
    if chosen == "sidecar":
        async with _opa(source, timeout_seconds) as server:
            yield chosen, [_OpaLane(server) for _ in range(cores * _QUESTIONS_PER_CORE)]
        return
    if not embedded_available():
        raise ConfigError(
            "the embedded engine is not installed: pip install 'regate[embedded]'; in a checkout, make setup"
        )
    lanes = [_EmbeddedLane(source, timeout_seconds) for _ in range(cores)]
    try:
        await lanes[0].start()  # a broken policy is found here
        yield chosen, lanes
    finally:
        await asyncio.gather(*(lane.stop() for lane in lanes))


@asynccontextmanager
async def _opa(source: PolicySource, timeout_seconds: float) -> AsyncIterator[OpaServer]:
    opa: Path | None = find_opa()
    if opa is None:
        raise ConfigError(f"there is no opa {PINNED} in $REGATE_OPA, PATH or the tool cache: {GET_OPA}")
    server = OpaServer(opa, source, timeout_seconds)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class _OpaLane:
    """One question after the other to an OPA that all lanes share."""

    def __init__(self, server: OpaServer) -> None:
        self._server = server

    async def decide_each(self, documents: Sequence[dict[str, Any]]) -> AsyncIterator[Decision | Failed]:
        for document in documents:
            try:
                yield await self._server.decide(document)
            except (PolicyError, PolicyUnavailable) as error:
                yield error


class _EmbeddedLane:
    """A child process; an input that ends it is followed by another child."""

    def __init__(self, source: PolicySource, timeout_seconds: float) -> None:
        self._source = source
        self._timeout_seconds = timeout_seconds
        self._child: RegorusProcess | None = None

    async def start(self) -> RegorusProcess:
        if self._child is None:
            child = RegorusProcess(self._source, self._timeout_seconds)
            await child.start()
            self._child = child
        return self._child

    async def decide_each(self, documents: Sequence[dict[str, Any]]) -> AsyncIterator[Decision | Failed]:
        done = 0
        while done < len(documents):
            child = await self.start()
            try:
                async for outcome in child.decide_each(documents[done:]):
                    done += 1
                    yield outcome
            except PolicyUnavailable as error:
                await self.stop()
                done += 1
                yield error

    async def stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()
