"""One OPA server as a child process: its files, its socket, its token, its start and its end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gateway.contract import Decision, parse_decision
from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.policy.engine.builtins import check_builtins
from gateway.policy.engine.engine import encode, probe
from gateway.policy.engine.opa_client import OpaClient
from gateway.policy.source.source import PolicySource
from gateway.policy.source.tables import Tables
from gateway.processes import kill, spawn, stop

START_SECONDS = 20.0
_POLL_SECONDS = 0.02
_BUNDLE = "policy"
_AUTHZ = "authz"
_SOCKET = "opa.sock"
_MAX_COMPLAINT = 8192  # characters of stderr that are kept

# Only the one question, only by the holder of the token; the token itself is on no disk.
_AUTHZ_REGO = """package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "gateway", "asked"]
	crypto.sha256(input.identity) == "%s"
}

allow if {
	input.method == "PUT"
	input.path == ["v1", "data", "tables"]
	crypto.sha256(input.identity) == "%s"
}

allow if {
	input.method == "GET"
	input.path == ["health"]
}
"""

# The decision, and by which tables it was made: both out of one moment of the store.
_ASKED_REGO = """package gateway.asked

decision := data.regate.decision

tables := data.tables._revisions
"""


class OpaServer:
    """OPA with one policy source, which it keeps until it ends."""

    def __init__(self, opa: Path, source: PolicySource, timeout_seconds: float) -> None:
        self._opa = opa
        self._source = source
        self._timeout_seconds = timeout_seconds
        self._folder: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._complaint = ""
        self._client: OpaClient | None = None
        self.asked = 0  # decisions in flight

    @property
    def revision(self) -> str:
        return self._source.revision

    @property
    def pid(self) -> int:
        """Of the running child, -1 when there is none."""
        return self._process.pid if self._process else -1

    async def start(self) -> None:
        """Start OPA and wait until it decides.

        Raises ConfigError, with file and line, when it cannot use the policy, PolicyUnavailable when it does
        not come up. Nothing is left running then.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._launch()
                await self._until_healthy()
                await self.take(self._source.tables)
            await self._probe()
        except TimeoutError as error:
            await self.stop()
            raise PolicyUnavailable(f"opa was not healthy within {START_SECONDS:.0f} s") from error
        except BaseException:
            await self.stop()
            raise

    async def take(self, tables: Tables) -> bool:
        """Decide by these tables from now on; nothing is compiled for that. Raises PolicyUnavailable."""
        assert self._client is not None, "tables before start"
        await self._client.put_tables(tables.content)
        return True

    async def decide(self, document: dict[str, Any]) -> Decision:
        """Decide about one input. Raises PolicyUnavailable, PolicyError."""
        assert self._client is not None, "decide before start"
        self.asked += 1
        try:
            decision, tables = await self._client.decide(encode(document))
            return parse_decision(decision, self.revision, tables)
        finally:
            self.asked -= 1

    async def ended(self) -> None:
        """Wait until the process is gone."""
        assert self._process is not None, "ended before start"
        await self._process.wait()

    async def stop(self) -> None:
        """End the process, for sure, and remove its files."""
        if self._client:
            await self._client.close_connection()
        if self._process:
            try:
                await stop(self._process)
            finally:
                kill(self._process)
        for reader in self._readers:
            await reader
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def _launch(self) -> None:
        token = secrets.token_urlsafe(32)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="regate-opa-"))  # mode 0700
            await asyncio.to_thread(_write, self._folder, self._source, token)
            await self._check(self._folder)
            socket = self._folder / _SOCKET
            self._process = await spawn(self._opa, *_arguments(socket), cwd=self._folder)
        except OSError as error:
            raise PolicyUnavailable(f"{self._opa} cannot be started: {error.strerror}") from error
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            asyncio.create_task(self._listen(stream))
            for stream in (self._process.stdout, self._process.stderr)
        ]
        self._client = OpaClient(
            socket,
            token=token,
            bundle=_BUNDLE,
            revision=self.revision,
            timeout_seconds=self._timeout_seconds,
        )
        await self._client._init_session()

    async def _check(self, folder: Path) -> None:
        """OPA cannot be told at its start which built-ins policy may use, so that is looked at before."""
        try:
            await check_builtins(self._opa, folder, _BUNDLE)
        except ConfigError as error:
            raise self._unusable(str(error)) from error

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        """Keep the pipe empty, and what was said at the start for the error message."""
        while chunk := await stream.read(4096):
            self._complaint = (self._complaint + chunk.decode("utf-8", "replace"))[:_MAX_COMPLAINT]

    async def _until_healthy(self) -> None:
        assert self._process is not None
        assert self._client is not None
        while not await self._client.healthy():
            if self._process.returncode is not None:
                raise await self._failure()
            await asyncio.sleep(_POLL_SECONDS)

    async def _failure(self) -> ConfigError | PolicyUnavailable:
        """Return why OPA ended at once: it could not use the files, or it could not run."""
        for reader in self._readers:
            await reader
        lines = [line for line in self._complaint.splitlines() if line.strip() and not line.startswith("{")]
        text = "\n".join(lines).removeprefix("error: ")
        if "load error" in text or "initialization error" in text:
            return self._unusable(text)
        return PolicyUnavailable(f"opa ended at its start: {text or 'without a word'}")

    def _unusable(self, complaint: str) -> ConfigError:
        """OPA names files by the path in its bundle; people need the path on disk."""
        return ConfigError(
            f"policy cannot be used: {complaint.replace(f'{_BUNDLE}/', f'{self._source.root}/')}"
        )

    async def _probe(self) -> None:
        """Make one decision, so that a policy that is always undefined is found before it is in force."""
        try:
            await self.decide(probe())
        except PolicyError as error:
            raise ConfigError(f"{self._source.root}: {error.message}") from error
        except PolicyUnavailable as error:
            raise PolicyUnavailable(f"{self._source.root}: asked for a first decision: {error}") from error


def _arguments(socket: Path) -> list[str]:
    return [
        "run",
        "--server",
        f"--addr=unix://{socket}",
        "--unix-socket-perm=600",
        "--authentication=token",
        "--authorization=basic",
        "--skip-version-check",
        "--log-level=error",
        "--shutdown-grace-period=1",
        "--bundle",
        _BUNDLE,
        _AUTHZ,
    ]


def _write(folder: Path, source: PolicySource, token: str) -> None:
    """Write two bundles: the policy, whose roots keep it out of `system`, and our own authorization."""
    files = {
        f"{_BUNDLE}/.manifest": json.dumps({"revision": source.revision, "roots": ["regate", "settings"]}),
        f"{_BUNDLE}/data.json": source.data_json.decode(),
        f"{_AUTHZ}/.manifest": json.dumps({"revision": "", "roots": ["system/authz", "gateway"]}),
        f"{_AUTHZ}/authz.rego": _AUTHZ_REGO % ((hashlib.sha256(token.encode()).hexdigest(),) * 2),
        f"{_AUTHZ}/asked.rego": _ASKED_REGO,
    }
    files |= {f"{_BUNDLE}/{name}": text for name, text in source.modules.items()}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
