"""Whatever an OPA may answer, only a well-formed decision by the expected revision counts."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.errors import PolicyError, PolicyUnavailable
from gateway.policy import PINNED, load_source
from gateway.policy.engine.opa_client import OpaClient
from gateway.policy.engine.opa_server import OpaServer
from tests.unit.policy.conftest import LIBRARY, request_document

PROVENANCE = {"version": PINNED, "bundles": {"policy": {"revision": "r1"}}}


def reply(status: int, body: bytes, content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answer(document: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(document).encode())


def said_by(bundles: Any) -> bytes:
    """A decision by an OPA that says it has these bundles."""
    return answer({"result": {"action": "allow"}, "provenance": {"version": PINNED, "bundles": bundles}})


@asynccontextmanager
async def fake_opa(socket: Path, raw: bytes | None) -> AsyncIterator[list[bytes]]:
    """A server that answers every request with `raw`, or never; yields the requests it saw."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            seen.append(head + await reader.readexactly(length))
            if raw is None:
                await reader.read()
            else:
                writer.write(raw)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, socket)
    async with server:
        yield seen


@asynccontextmanager
async def asking(socket: Path, seconds: float = 2.0) -> AsyncIterator[OpaClient]:
    async with OpaClient(
        socket, token="t0k", bundle="policy", revision="r1", timeout_seconds=seconds
    ) as client:
        yield client


async def test_one_question_is_one_post_with_token_strict_errors_and_provenance(tmp_path: Path) -> None:
    socket = tmp_path / "s"
    raw = answer({"result": {"action": "allow"}, "provenance": PROVENANCE})
    async with fake_opa(socket, raw) as seen, asking(socket) as client:
        assert await client.decide(b'{"phase":"request"}') == {"action": "allow"}
    (request,) = seen
    line, _, rest = request.partition(b"\r\n")
    assert line == b"POST /v1/data/regate/decision?provenance=true&strict-builtin-errors=true HTTP/1.1"
    assert b"Authorization: Bearer t0k\r\n" in rest
    assert rest.endswith(b'\r\n\r\n{"input":{"phase":"request"}}')


@pytest.mark.parametrize(
    "raw",
    [
        reply(200, b"<html>hello</html>", "text/html"),
        reply(200, b""),
        reply(200, b"[]"),
        reply(200, b'{"result":'),
        reply(200, b"[" * 100_000),
        answer({"result": {"action": "allow"}}),
        said_by({"policy": {"revision": "r0"}}),
        said_by({"other": {"revision": "r1"}}),
        said_by([]),
        answer({"result": {"action": "allow"}, "provenance": PROVENANCE}, 201),
        answer({"code": "unauthorized"}, 401),
        answer({}, 404),
        answer({}, 503),
        answer({"result": {"action": "allow"}, "provenance": PROVENANCE})[:-5],
        reply(200, b'{"result": "' + b"x" * 5_000_000 + b'"}'),
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=[
        "HTML", "nothing", "a list", "half of JSON", "deep", "no provenance", "another revision",
        "another bundle", "odd provenance", "201", "401", "404", "503", "cut off", "too much",
        "no HTTP", "closed",
    ],
)  # fmt: skip
async def test_nonsense_makes_policy_unavailable(tmp_path: Path, raw: bytes) -> None:
    async with fake_opa(tmp_path / "s", raw) as seen, asking(tmp_path / "s") as client:
        with pytest.raises(PolicyUnavailable):
            await client.decide(b"{}")
        assert len(seen) == 1  # asked once, never again


async def test_an_undefined_decision_is_a_policy_error(tmp_path: Path) -> None:
    async with fake_opa(tmp_path / "s", answer({"provenance": PROVENANCE})), asking(tmp_path / "s") as client:
        with pytest.raises(PolicyError, match="undefined"):
            await client.decide(b"{}")


async def test_a_failed_evaluation_is_a_policy_error_that_names_the_place_and_no_value(
    tmp_path: Path,
) -> None:
    error = {
        "code": "eval_builtin_error",
        "message": 'to_number: parsing "jane@example.com"',
        "location": {"file": "policy/main.rego", "row": 4},
    }
    raw = answer({"code": "internal_error", "errors": [error]}, 500)
    async with fake_opa(tmp_path / "s", raw) as seen, asking(tmp_path / "s") as client:
        with pytest.raises(PolicyError, match=r"eval_builtin_error at policy/main\.rego:4") as caught:
            await client.decide(b"{}")
    assert "jane" not in caught.value.message
    assert len(seen) == 1


@pytest.mark.parametrize("body", [b"", b"oops", b'{"errors": 7}', b'{"errors": [1, {"location": 2}]}'])
async def test_a_500_without_details_is_a_policy_error(tmp_path: Path, body: bytes) -> None:
    async with fake_opa(tmp_path / "s", reply(500, body)), asking(tmp_path / "s") as client:
        with pytest.raises(PolicyError, match="no details"):
            await client.decide(b"{}")


async def test_an_answer_that_does_not_come_is_unavailable_in_time(tmp_path: Path) -> None:
    async with fake_opa(tmp_path / "s", None) as seen, asking(tmp_path / "s", 0.2) as client:
        async with asyncio.timeout(2):
            with pytest.raises(PolicyUnavailable, match=r"within 0\.2 s"):
                await client.decide(b"{}")
        assert len(seen) == 1


async def test_no_server_is_unavailable(tmp_path: Path) -> None:
    async with asking(tmp_path / "nowhere") as client:
        with pytest.raises(PolicyUnavailable, match="cannot be reached"):
            await client.decide(b"{}")


@pytest.fixture
async def server(opa: Path) -> AsyncIterator[OpaServer]:
    server = OpaServer(opa, load_source(LIBRARY), 5.0)
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("POST", "/v1/data/regate/decision", "right", 200),
        ("GET", "/health", "none", 200),
        ("POST", "/v1/data/regate/decision", "wrong", 401),
        ("POST", "/v1/data/regate/decision", "none", 401),
        ("GET", "/v1/data/regate/decision", "right", 401),
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
