"""The policy in force: read from its folder, read again after each edit, asked about every exchange."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.config import Config
from gateway.decision import Decision
from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy.embedded import Embedded, embedded_available
from gateway.policy.engine import PolicyEngine
from gateway.policy.opa import PINNED, find_opa
from gateway.policy.sidecar import Sidecar
from gateway.policy.source import fingerprint, load_source


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The policy in force, and what is wrong with its latest edit ("" when nothing is)."""

    engine: str
    revision: str = ""
    ready: bool = False
    error: str = ""
    loaded_at: datetime | None = None


class Policies:
    """What the pipeline asks. A broken edit leaves the last good policy in force and shows in the status."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._path = config.policy_path
        self._reload_seconds = config.policy.reload_seconds
        self._log = log
        self._engine = new_engine(config, log)
        self._revision = ""
        self._error = ""
        self._loaded_at: datetime | None = None
        self._seen: object = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the policy and watch its files.

        Raises ConfigError when it cannot be used, PolicyUnavailable when the engine does not run.
        """
        try:
            await self._load(await asyncio.to_thread(fingerprint, self._path))
        except BaseException:
            await self._engine.close()
            raise
        self._watching = asyncio.create_task(self._watch())

    async def start_when_good(self) -> None:
        """Load the policy, now or as soon as an edit mends it; until then the status says what is wrong."""
        seen: object = None
        try:
            seen = await asyncio.to_thread(fingerprint, self._path)
            await self._load(seen)
        except (ConfigError, PolicyUnavailable) as error:
            self._refuse(error, seen)
        self._watching = asyncio.create_task(self._watch())

    async def decide(self, document: dict[str, Any]) -> Decision:
        """Raises PolicyUnavailable (unreachable, late), PolicyError (undefined, malformed, failed)."""
        return await self._engine.decide(document)

    def status(self) -> PolicyStatus:
        """What is in force at this moment."""
        return PolicyStatus(
            self._engine.name, self._revision, self._engine.ready, self._error, self._loaded_at
        )

    async def close(self) -> None:
        """Stop watching and end the engine; no process is left behind."""
        if self._watching:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._engine.close()

    async def _load(self, seen: object) -> None:
        """Read the files, which looked like `seen` before, and put them in force, unless they are already."""
        source = await asyncio.to_thread(load_source, self._path)
        if source.revision != self._revision:
            await self._engine.start(source)
            self._revision, self._loaded_at = source.revision, datetime.now(UTC)
            self._log.info("policy revision %s is in force", source.revision)
        self._seen, self._error = seen, ""

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._reload_seconds)
            seen: object = None
            try:
                seen = await asyncio.to_thread(fingerprint, self._path)
                if seen != self._seen:
                    await self._load(seen)
            except (ConfigError, PolicyUnavailable) as error:
                self._refuse(error, seen)

    def _refuse(self, error: ConfigError | PolicyUnavailable, seen: object) -> None:
        """Stay with what is in force. An engine that did not run may do so the next time."""
        if str(error) != self._error:
            stays = (
                "the last good policy stays in force" if self._revision else "there is no policy to decide by"
            )
            self._log.error("%s: %s", stays, error)
        self._error = str(error)
        self._seen = seen if isinstance(error, ConfigError) else None


def new_engine(config: Config, log: logging.Logger) -> PolicyEngine:
    """The engine that the configuration asks for; `auto` takes OPA where there is one.

    Raises ConfigError when it is not installed.
    """
    wanted = config.policy.engine
    opa: Path | None = None if wanted == "embedded" else find_opa()
    if opa:
        return Sidecar(opa, config.policy.timeout_seconds, log)
    if wanted == "sidecar":
        raise ConfigError(
            f"policy.engine is sidecar, but there is no opa {PINNED} in $REGATE_OPA, PATH or the tool cache: "
            "run make setup"
        )
    if not embedded_available():
        raise ConfigError("there is neither an opa nor the embedded engine: run make setup")
    return Embedded(config.policy.timeout_seconds, log)
