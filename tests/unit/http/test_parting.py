"""How connections end, over real sockets: slow readers, unread bodies, and clients that leave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http import parting
from gateway.http.head import BoundedHttpProtocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
MUCH = 64 * 1024 * 1024  # more than the kernel's buffers take


class Application:
    """Answers with `size` bytes, or waits for its client to leave; keeps what it was told."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.begun = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.set()
        watching = asyncio.create_task(self._watch(receive))
        if self.size:
            headers = [(b"content-length", str(self.size).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for _ in range(self.size // 65536):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        await watching

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=BoundedHttpProtocol, loop="uvloop", lifespan="off", ws="none", log_config=None
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = server.force_exit = True
        await serving


@pytest.fixture
async def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "_READER_SECONDS", 0.5)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "size", [MUCH, 4 * 1024 * 1024], ids=["an answer under way", "an answer behind which it closes"]
)
async def test_a_client_that_reads_nothing_is_given_up(size: int) -> None:
    app = Application(size)
    async with served(app) as address:
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        writer.write(GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        async with asyncio.timeout(10):
            await app.left.wait()
        with contextlib.suppress(OSError):
            while await reader.read(1 << 20):
                pass
        writer.close()


@pytest.mark.usefixtures("hasty")
async def test_a_slow_client_that_reads_keeps_its_answer() -> None:
    app = Application(MUCH)
    async with served(app) as address:
        reader, writer = await asyncio.open_connection(*address, limit=65536)
        writer.write(GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        for number in range(64):
            await reader.readexactly(MUCH // 64)
            await asyncio.sleep(0.1 if number < 15 else 0)  # longer than a client may read nothing
        writer.close()


@pytest.mark.parametrize("behind", [b"", GET, GET * 3, b"GET / HT", b"not http at all\r\n\r\n"], ids=repr)
async def test_a_client_that_leaves_is_noticed_whatever_it_sent_behind_its_request(behind: bytes) -> None:
    app = Application()
    async with served(app) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        await app.begun.wait()
        await asyncio.sleep(0.1)
        writer.write(behind)
        await asyncio.sleep(0.1)
        assert not app.left.is_set()
        writer.close()
        async with asyncio.timeout(5):
            await app.left.wait()


async def test_a_client_that_closes_only_its_own_side_has_left() -> None:
    app = Application()
    async with served(app) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        await app.begun.wait()
        writer.write_eof()
        async with asyncio.timeout(5):
            await app.left.wait()
        writer.close()


async def test_a_malformed_request_behind_another_does_not_cut_its_answer() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"on", "more_body": True})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"ce"})

    async with served(slow) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GET + b"malformed\x00\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nonce")
    assert answer.count(b"HTTP/1.1") == 1
