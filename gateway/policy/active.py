"""The policy in force as a bundle, for the OPAs that decide for this gateway or beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.errors import ConfigError
from gateway.policy.loading.reading import pack_policy
from gateway.policy.policies import Policies
from gateway.policy.source.source import PolicySource


class ActiveBundle:
    """One archive a revision: signed here, or as it was signed where the gateway runs from a bundle."""

    def __init__(self, policies: Policies, signing_key: Path) -> None:
        self._policies = policies
        self._signing_key = signing_key
        self._built: tuple[PolicySource, bytes] | None = None
        self._turn = asyncio.Lock()  # of many who ask at once, one has it built

    async def content(self) -> bytes:
        """Return the archive. Raises ConfigError where no policy is in force, or no key can sign it."""
        source = self._policies.source
        if source is None:
            raise ConfigError("no policy is in force yet")
        if source.archive:
            return source.archive
        async with self._turn:
            if self._built is None or self._built[0] != source:
                self._built = (source, await self._build(source))
            return self._built[1]

    async def _build(self, source: PolicySource) -> bytes:
        if not self._signing_key.exists():
            raise ConfigError("there is no key to sign the policy with: run regate policy keygen")
        return await pack_policy(source, self._signing_key)
