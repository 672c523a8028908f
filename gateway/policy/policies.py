"""The policy in force: read from its folder, read again after each edit, asked about every exchange."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config import Config, resolve_reference
from gateway.contract import Decision
from gateway.errors import ConfigError, PolicyUnavailable, RecordingFailed
from gateway.policy.engine.embedded import Embedded, embedded_available
from gateway.policy.engine.engine import PolicyEngine
from gateway.policy.engine.opa import GET_OPA, PINNED, find_opa
from gateway.policy.engine.supervised import Supervised
from gateway.policy.loading.origin import prints_of
from gateway.policy.loading.reading import read_policy
from gateway.policy.source.names import built_in
from gateway.policy.source.source import PolicySource

if TYPE_CHECKING:  # what asks an OPA brings its client's libraries: loaded where one is asked
    from gateway.policy.engine.pulling_opa import Pulled
    from gateway.policy.loading.fetching import TableSource

_MOST_SECONDS = 60.0  # between two attempts to load what the engine could not run


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The policy in force, and what is wrong with its latest edit ("" when nothing is).

    `tables` are the revisions of its tables, by their names, and `tables_issued_at` the time of their bundle.
    `failures` counts the loads that went wrong
    since the start; `failing_since` is set until one goes right. `pulled` is what an OPA run elsewhere says
    about its bundle.
    """

    engine: str
    revision: str = ""
    ready: bool = False
    error: str = ""
    loaded_at: datetime | None = None
    origin: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    tables_issued_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    pulled: Pulled | None = None


class Policies:
    """The policy that decides. A broken edit leaves the last good policy in force and shows in the status."""

    def __init__(
        self,
        config: Config,
        log: logging.Logger,
        *,
        activated: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        """Take the policy of the configuration; `activated` records a revision, and the one before it."""
        self._activated = activated
        self._path = config.policy_path
        self._verify_key = config.verify_key_path
        self._tables = config.tables_path, config.tables_key_path
        self._longest = config.tables_max_age_seconds
        self._fetched = _table_source(config, log)
        self._names = built_in(config)
        self._reload_seconds = config.policy.reload_seconds
        self._log = log
        self._engine = _engine(config, log)
        self._source: PolicySource | None = None
        self._status = PolicyStatus(self._engine.name, origin=str(self._path))
        self._seen: object = None
        self._again = math.inf  # not before, by the loop's clock, is the same policy tried again
        self._pause = self._reload_seconds
        self._watching: asyncio.Task[None] | None = None
        self._fetching: asyncio.Task[None] | None = None

    @property
    def source(self) -> PolicySource | None:
        """The policy in force, None before the start."""
        return self._source

    @property
    def revision(self) -> str:
        """The revision that is in force, "" before the start."""
        return self._status.revision

    async def start(self) -> None:
        """Load the policy and watch its files.

        Raises ConfigError when it cannot be used, PolicyUnavailable when the engine does not run.
        """
        if self._fetched:
            await self._fetched.fetch()
        try:
            await self._load(await asyncio.to_thread(prints_of, self._path, self._verify_key, *self._tables))
        except BaseException:
            await self._engine.close()
            raise
        self._watching = asyncio.create_task(self._watch())
        if self._fetched:
            self._fetching = asyncio.create_task(self._fetched.watch())

    async def start_when_good(self) -> None:
        """Load the policy, now or as soon as an edit mends it; until then the status says what is wrong."""
        seen: object = None
        try:
            seen = await asyncio.to_thread(prints_of, self._path, self._verify_key, *self._tables)
            await self._load(seen)
        except (ConfigError, PolicyUnavailable) as error:
            self._refuse(error, seen)
        self._watching = asyncio.create_task(self._watch())

    async def decide(self, document: dict[str, Any]) -> Decision:
        """Decide by the policy in force. Raises PolicyUnavailable, PolicyError."""
        if fault := self._too_old(self._source):
            raise PolicyUnavailable(fault)
        return await self._engine.decide(document)

    def status(self) -> PolicyStatus:
        """Return what is in force at this moment."""
        pulled = getattr(self._engine, "pulled", None)
        old = self._too_old(self._source)
        status = replace(self._status, ready=self._engine.ready and not old, pulled=pulled)
        status = replace(status, error=status.error or old)
        if self._fetched and (fetched := self._fetched.state).failures:
            status = replace(
                status,
                error=status.error or fetched.error,
                failing_since=status.failing_since or fetched.failing_since,
                failures=status.failures + fetched.failures,
            )
        if self._watching and self._watching.done():
            return replace(status, error="edits are no longer looked for: restart the gateway")
        return status

    async def close(self) -> None:
        """Stop watching and end the engine; no process is left behind."""
        for task in (self._watching, self._fetching):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._watching = self._fetching = None
        await self._engine.close()

    async def _load(self, seen: object) -> None:
        """Read the policy, which looked like `seen` before, and put it in force, unless it is already."""
        source = await read_policy(self._path, self._verify_key, self._names, *self._tables)
        if fault := self._too_old(source) or _older(source, self._source):
            raise ConfigError(fault)
        if source != self._source:
            await self._engine.start(source)
            await self._record(source)
            self._status = replace(self._status, revision=source.revision, loaded_at=datetime.now(UTC))
            self._log.info("policy revision %s is in force", source.revision)
        elif source.tables.revisions != self._source.tables.revisions:
            await self._engine.renew(source)
            self._log.info("tables are in force: %s", ", ".join(sorted(source.tables.revisions)) or "none")
        tables = source.tables
        self._status = replace(self._status, tables=dict(tables.revisions), tables_issued_at=tables.issued_at)
        self._source = source  # the same policy in a bundle that is signed anew is served with that signature
        self._seen, self._pause = seen, self._reload_seconds
        self._status = replace(self._status, error="", failing_since=None)

    async def _record(self, source: PolicySource) -> None:
        """Record the activation, or undo it. Raises PolicyUnavailable."""
        before = self._source
        try:
            if self._activated:
                await self._activated(source.revision, before.revision if before else "")
        except RecordingFailed as error:
            if before:
                await self._engine.start(before)
            raise PolicyUnavailable(f"revision {source.revision} cannot be recorded: {error}") from error

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._reload_seconds)
            seen: object = None
            try:
                seen = await asyncio.to_thread(prints_of, self._path, self._verify_key, *self._tables)
                if seen != self._seen or self._due():
                    await self._load(seen)
            except (ConfigError, PolicyUnavailable) as error:
                self._refuse(error, seen)

    def _too_old(self, source: PolicySource | None) -> str:
        return source.tables.too_old(self._longest) if source else ""

    def _due(self) -> bool:
        """Return whether a policy that the engine could not run is to be tried again."""
        return bool(self._status.error) and asyncio.get_running_loop().time() >= self._again

    def _refuse(self, error: ConfigError | PolicyUnavailable, seen: object) -> None:
        """Stay with what is in force. An engine that did not run is tried again, ever less often."""
        before = self._status
        if str(error) != before.error:
            good = before.revision and "the last good policy stays in force"
            self._log.error("%s: %s", good or "there is no policy to decide by", error)
        retried = isinstance(error, PolicyUnavailable)
        new = retried or seen != self._seen or not before.error
        self._status = replace(
            before,
            error=str(error),
            failing_since=before.failing_since or datetime.now(UTC),
            failures=before.failures + 1 if new else before.failures,
        )
        self._pause = min(2 * self._pause, _MOST_SECONDS)
        self._seen = seen
        self._again = asyncio.get_running_loop().time() + self._pause if retried else math.inf


def _older(source: PolicySource, present: PolicySource | None) -> str:
    """Return what is wrong with tables that were issued before those in force, "" for others."""
    issued, before = source.tables.issued_at, present.tables.issued_at if present else None
    if not issued or not before or issued >= before:
        return ""
    return f"the tables of {issued.isoformat()} are older than those in force, of {before.isoformat()}"


def _table_source(config: Config, log: logging.Logger) -> TableSource | None:
    """Return the server that has the tables, None where they are files. Raises ConfigError."""
    bundle, key = config.policy.tables_bundle, config.tables_key_path
    if not bundle or not key or not bundle.url:
        return None
    from gateway.policy.loading.fetching import TableSource

    return TableSource(bundle, config, key, log)


def _engine(config: Config, log: logging.Logger) -> PolicyEngine:
    """Make the engine of a gateway: local, or one that asks an OPA elsewhere. Raises ConfigError."""
    opa = config.policy.opa
    if opa is None:
        return new_engine(config, log)
    from gateway.policy.engine.pulling_opa import PullingOpaClient
    from gateway.policy.engine.remote import RemoteOpa

    token = resolve_reference(opa.token)
    if token is None:
        raise ConfigError(f"policy.opa.token: {opa.token} is not set; the OPA would not know this gateway")
    client = PullingOpaClient(
        opa.url, token=token, ca=config.opa_ca_path, timeout_seconds=config.policy.timeout_seconds
    )
    return RemoteOpa(client, new_engine(config, log).try_out, opa.grace_seconds, log)


def new_engine(config: Config, log: logging.Logger) -> Supervised:
    """Make the engine on this machine that the configuration asks for; `auto` takes OPA where there is one.

    Raises ConfigError when it is not installed.
    """
    wanted = config.policy.engine
    opa: Path | None = None if wanted == "embedded" else find_opa()
    if opa:
        from gateway.policy.engine.sidecar import Sidecar

        return Sidecar(opa, config.policy.timeout_seconds, log)
    if wanted == "sidecar":
        raise ConfigError(
            f"policy.engine is sidecar, but there is no opa {PINNED} in $REGATE_OPA, PATH or the tool cache: "
            f"{GET_OPA}"
        )
    if not embedded_available():
        raise ConfigError(f"there is neither an opa nor the embedded engine: {GET_OPA}")
    return Embedded(config.policy.timeout_seconds, log)
