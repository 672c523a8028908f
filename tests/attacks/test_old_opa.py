"""An OPA with known holes decides nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from logging import getLogger
from pathlib import Path

import pytest

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import PINNED, PolicySource, find_opa
from gateway.policy.engine.engine import probe
from gateway.policy.engine.pulling_opa import PullingOpaClient
from gateway.policy.engine.remote import RemoteOpa
from tests.support.waiting import PATIENCE_SECONDS

INSTALL = Path(__file__).parents[2] / "scripts" / "install-opa"
OLD = ["1.21.1", "1.22.3", "0.70.0", "1.9.9", "1.2.0", f"{PINNED}-rc.1", "", "unknown", "1.22", "latest", "9"]
NEW = [PINNED, "1.22.10", "1.23.0", "1.100.0", "2.0.0", "1.23.0-dev", f"{PINNED}+ours"]


def program(path: Path, version: str) -> Path:
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\n")
    path.chmod(0o755)
    return path


def installed(opa: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", INSTALL, "--print"],
        env={"REGATE_OPA": str(opa), "PATH": "/usr/bin:/bin", "HOME": str(opa.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", OLD)
def test_an_old_opa_of_ones_own_does_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """A binary that REGATE_OPA names is refused below the pinned version, and so is one that says none."""
    opa = program(tmp_path / "opa", version)
    monkeypatch.setenv("REGATE_OPA", str(opa))
    with pytest.raises(ConfigError, match=f"expected {PINNED} or newer.*Run make setup"):
        find_opa()
    run = installed(opa)
    assert (run.returncode, run.stdout) == (1, "")


@pytest.mark.parametrize("version", NEW)
def test_a_newer_opa_of_ones_own_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Who names a newer binary gets it."""
    opa = program(tmp_path / "opa", version)
    monkeypatch.setenv("REGATE_OPA", str(opa))
    assert find_opa() == opa
    assert installed(opa).stdout.strip() == str(opa)


@asynccontextmanager
async def remote_opa(version: dict[str, str]) -> AsyncIterator[str]:
    """An OPA of the network that allows everything and has the right bundle; yields its address."""
    decision = {
        "result": {"action": "allow"},
        "provenance": {**version, "bundles": {"policy": {"revision": "r1"}}},
    }
    status = {"result": {"bundles": {"policy": {"active_revision": "r1", "last_request": "now"}}}}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(status if head.startswith(b"GET") else decision).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[RemoteOpa]:
    """The engine that asks the OPA at this address."""

    async def loadable(_: PolicySource) -> None:
        return None

    client = PullingOpaClient(url, token="t0k", ca=None, timeout_seconds=PATIENCE_SECONDS)
    engine = RemoteOpa(client, loadable, 0, getLogger("test.old-opa"))
    await engine.start(PolicySource(Path("rego"), {}, b"{}", "r1"))
    try:
        yield engine
    finally:
        await engine.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("version", [*({"version": each} for each in OLD), {}])
async def test_an_old_opa_elsewhere_does_not_decide(version: dict[str, str]) -> None:
    """Its answer is no decision, the gateway is not ready, and the status says why."""
    async with remote_opa(version) as url, asked(url) as engine:
        with pytest.raises(PolicyUnavailable, match=f"expected {PINNED} or newer"):
            await engine.decide(probe())
        await until(lambda: f"expected {PINNED} or newer" in engine.pulled.error)
        assert not engine.ready


@pytest.mark.parametrize("version", NEW)
async def test_a_newer_opa_elsewhere_decides(version: str) -> None:
    """A version from the pinned one on is asked as before."""
    async with remote_opa({"version": version}) as url, asked(url) as engine:
        assert (await engine.decide(probe())).action == "allow"
        await until(lambda: engine.ready)
        assert engine.pulled.error == ""
