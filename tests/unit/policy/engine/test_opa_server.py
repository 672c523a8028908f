"""An OPA of the gateway answers the one question, keeps its files to itself, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.errors import ConfigError, PolicyUnavailable
from gateway.policy import load_source
from gateway.policy.engine.opa_server import OpaServer
from tests.unit.policy.conftest import LIBRARY, request_document


@pytest.fixture
async def server(opa: Path) -> AsyncIterator[OpaServer]:
    server = OpaServer(opa, load_source(LIBRARY), 5.0)
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("POST", "/v1/data/gateway/asked", "right", 200),
        ("POST", "/v1/data/regate/decision", "right", 401),
        ("GET", "/health", "none", 200),
        ("POST", "/v1/data/gateway/asked", "wrong", 401),
        ("POST", "/v1/data/gateway/asked", "none", 401),
        ("GET", "/v1/data/gateway/asked", "right", 401),
        ("PUT", "/v1/data/tables", "wrong", 401),
        ("PUT", "/v1/data/tables/users", "right", 401),
        ("GET", "/v1/data/tables", "right", 401),
        ("POST", "/v1/data", "right", 401),
        ("POST", "/v1/data/settings", "right", 401),
        ("POST", "/v1/data/system", "right", 401),
        ("PUT", "/v1/policies/x", "right", 401),
        ("PUT", "/v1/data/settings", "right", 401),
        ("PATCH", "/v1/data/settings", "right", 401),
        ("DELETE", "/v1/policies/x", "right", 401),
        ("GET", "/v1/policies", "right", 401),
        ("GET", "/v1/config", "right", 401),
        ("POST", "/v1/query", "right", 401),
        ("POST", "/v1/compile", "right", 401),
        ("GET", "/metrics", "right", 401),
    ],
)
async def test_the_real_opa_answers_the_one_question_and_nothing_else(
    server: OpaServer, method: str, path: str, token: str, status: int
) -> None:
    client = server._client
    assert client is not None
    right = client.headers["Authorization"]
    headers = {"right": {"Authorization": right}, "wrong": {"Authorization": f"{right}x"}, "none": {}}[token]
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(client._socket))) as session:
        document = {"input": request_document()} if method == "POST" else None
        async with session.request(method, f"http://opa{path}", json=document, headers=headers) as response:
            assert response.status == status


async def test_the_socket_and_the_files_are_the_gateways_alone(server: OpaServer) -> None:
    assert server._folder is not None
    assert server._client is not None
    assert server._folder.stat().st_mode & 0o777 == 0o700
    assert server._client._socket.stat().st_mode & 0o777 == 0o600
    token = server._client.headers["Authorization"].removeprefix("Bearer ").encode()
    assert not [file for file in server._folder.rglob("*") if file.is_file() and token in file.read_bytes()]


async def test_its_files_go_with_the_server(opa: Path) -> None:
    server = OpaServer(opa, load_source(LIBRARY), 5.0)
    await server.start()
    folder = server._folder
    assert folder is not None
    assert folder.exists()
    await server.stop()
    assert not folder.exists()


async def test_a_program_that_is_no_opa_is_unavailable(tmp_path: Path) -> None:
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(PolicyUnavailable, match="ended at its start: no"):
        await OpaServer(program, load_source(LIBRARY), 1.0).start()


def test_opa_dies_with_a_gateway_that_is_killed(opa: Path, tmp_path: Path) -> None:
    script = (
        "import asyncio, logging, sys, time\n"
        "from pathlib import Path\n"
        "from gateway.policy import PINNED, load_source\n"
        "from gateway.policy.engine.sidecar import Sidecar\n"
        "async def main():\n"
        "    sidecar = Sidecar(Path(sys.argv[1]), 5, logging.getLogger())\n"
        "    await sidecar.start(load_source(Path(sys.argv[2])))\n"
        "    print(sidecar.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(opa), str(LIBRARY)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=LIBRARY.parents[1],
    ) as gateway:
        assert gateway.stdout is not None
        pid = int(gateway.stdout.readline())
        assert running(pid)
        gateway.kill()
    deadline = time.monotonic() + 5
    while running(pid):
        assert time.monotonic() < deadline, "opa outlived the gateway"
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_policy_that_opa_cannot_use_is_told_with_file_and_line(opa: Path, tmp_path: Path) -> None:
    broken = tmp_path / "main.rego"
    broken.write_text('package regate\n\ndecision := {"action": x}\n')
    server = OpaServer(opa, load_source(tmp_path), 5.0)
    with pytest.raises(ConfigError, match=f"policy cannot be used: .*{broken}:3"):
        await server.start()
    assert server._folder is None
