"""The engine that asks an OPA run elsewhere, which pulls the policy in force from this gateway."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from gateway.contract import Decision, parse_decision
from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy.engine.engine import encode, probe
from gateway.policy.engine.opa_client import AnotherRevision
from gateway.policy.engine.pulling_opa import Pulled, PullingOpaClient
from gateway.policy.source.source import PolicySource

_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 0.1


class RemoteOpa:
    """A PolicyEngine over a network. The revision in force decides, or for a bounded grace the former one.

    `try_out` loads a source into a local engine: what cannot be loaded is never pulled. Until the OPA has
    pulled a new revision the former one goes on deciding, `grace_seconds` long; then its answers are refused.
    """

    name = "sidecar"

    def __init__(
        self,
        client: PullingOpaClient,
        try_out: Callable[[PolicySource], Awaitable[None]],
        grace_seconds: float,
        log: logging.Logger,
    ) -> None:
        self._client = client
        self._try_out = try_out
        self._grace_seconds = grace_seconds
        self._log = log
        self._revision = ""
        self._former: dict[str, float] = {}  # revision, and until when it may decide, by the loop's clock
        self._fault = "it has not been asked yet"  # why it does not decide, "" when it does
        self._pulled = Pulled()
        self._watching: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        return not self._fault

    @property
    def pulled(self) -> Pulled:
        """How the OPA fares with its bundle; `error` also says why it does not decide."""
        return replace(self._pulled, error=self._pulled.error or self._fault)

    async def start(self, source: PolicySource) -> None:
        """Expect this policy from now on; do not wait for the OPA, which pulls once this has returned."""
        await self.renew(source)
        if self._revision:
            self._former[self._revision] = asyncio.get_running_loop().time() + self._grace_seconds
        self._revision = source.revision
        if self._watching is None:
            await self._client._init_session()
            self._watching = asyncio.create_task(self._watch())

    async def renew(self, source: PolicySource) -> None:
        if source.tables.revisions:
            raise ConfigError(
                "policy.tables: an OPA that runs elsewhere gets no tables; "
                "expected an empty folder, or no policy.opa"
            )
        await self._try_out(source)

    async def decide(self, document: dict[str, Any]) -> Decision:
        if self._watching is None:
            raise PolicyUnavailable("the policy engine is not running")
        result, revision = await self._ask(encode(document))
        return parse_decision(result, revision)

    async def close(self) -> None:
        """Stop asking; the OPA itself goes on running."""
        self._fault = "it is no longer asked"
        if self._watching:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        await self._client.close_connection()

    async def _ask(self, document: bytes) -> tuple[object, str]:
        """Ask until the OPA speaks for a revision that is expected, as long as a decision may take.

        It may have pulled from another worker what this one is about to have in force.
        """
        late = asyncio.get_running_loop().time() + self._client.timeout
        while True:
            try:
                return await self._client.ask(document, self._expected())
            except AnotherRevision:
                if asyncio.get_running_loop().time() >= late:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    def _expected(self) -> tuple[str, ...]:
        now = asyncio.get_running_loop().time()
        self._former = {revision: until for revision, until in self._former.items() if now < until}
        return self._revision, *self._former

    async def _watch(self) -> None:
        while True:
            before, fault = self._pulled, self._fault
            found = await self._find_fault()
            self._pulled, self._fault = await self._client.pulled(before), found
            if self._pulled.error and self._pulled.error != before.error:
                self._log.error("the OPA that is asked: %s", self._pulled.error)
            if self._fault and self._fault != fault:
                self._log.error(
                    "the OPA that is asked does not decide by revision %s: %s", self._revision, self._fault
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def _find_fault(self) -> str:
        try:
            await self.decide(probe())
        except (PolicyUnavailable, PolicyError) as error:
            return str(error)
        return ""
