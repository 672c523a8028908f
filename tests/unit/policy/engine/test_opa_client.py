"""Whatever an OPA may answer, only a well-formed decision by the expected revision counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import PolicyError, PolicyUnavailable
from gateway.policy import PINNED
from gateway.policy.engine.opa_client import OpaClient

PROVENANCE = {"version": PINNED, "bundles": {"policy": {"revision": "r1"}}}


def reply(status: int, body: bytes, content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answer(document: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(document).encode())


RESULT = {"decision": {"action": "allow"}, "tables": {"users": "r9"}}


def said_by(bundles: Any) -> bytes:
    """A decision by an OPA that says it has these bundles."""
    return answer({"result": RESULT, "provenance": {"version": PINNED, "bundles": bundles}})


@asynccontextmanager
async def fake_opa(socket: Path, raw: bytes | None) -> AsyncIterator[list[bytes]]:
    """A server that answers every request with `raw`, or never; yields the requests it saw."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ]
            seen.append(head + (await reader.readexactly(lengths[0]) if lengths else b""))
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
    raw = answer({"result": RESULT, "provenance": PROVENANCE})
    async with fake_opa(socket, raw) as seen, asking(socket) as client:
        assert await client.decide(b'{"phase":"request"}') == ({"action": "allow"}, {"users": "r9"})
    (request,) = seen
    line, _, rest = request.partition(b"\r\n")
    assert line == b"POST /v1/data/gateway/asked?provenance=true&strict-builtin-errors=true HTTP/1.1"
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


async def test_tables_that_are_not_taken_are_unavailable(tmp_path: Path) -> None:
    async with fake_opa(tmp_path / "s", reply(500, b"{}")), asking(tmp_path / "s") as client:
        with pytest.raises(PolicyUnavailable, match="answered 500 to its tables"):
            await client.put_tables(b"{}")
