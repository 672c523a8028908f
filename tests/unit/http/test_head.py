"""A request's head is bounded in size and time, over real sockets; what keeps to the bounds passes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.http import head
from gateway.http.head import BoundedHttpProtocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], AbstractAsyncContextManager[Connected]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connections to a server of this protocol, whose application says how long the body was."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            say_length, http=BoundedHttpProtocol, loop="none", lifespan="off", ws="none", log_config=None
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)

    @asynccontextmanager
    async def connected() -> AsyncIterator[Connected]:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    yield connected
    server.should_exit = True
    await serving


async def say_length(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    "filler",
    [b"x-one: " + b"a" * 35_000 + b"\r\n", b"x: a\r\n" * 6000],
    ids=["large headers", "many small headers"],
)
async def test_a_head_without_end_is_answered_400_and_the_connection_is_closed(
    connect: Connect, filler: bytes
) -> None:
    async with connect() as (reader, writer):
        writer.write(GET + filler)
        await asyncio.sleep(0.05)
        assert not reader.at_eof()
        writer.write(filler)  # and not a byte more: the answer would be lost with the connection
        answer = await closed(reader)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Request head too large." in answer


async def test_a_target_without_end_is_answered_400_too(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(b"GET /" + b"a" * (head._HEAD_BYTES + 1))
        answer = await closed(reader)

    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_head_just_within_the_bound_passes_and_the_next_one_starts_anew(connect: Connect) -> None:
    head = GET + b"x-one: " + b"a" * 40_000 + b"\r\n"
    async with connect() as (reader, writer):
        for _ in range(3):
            writer.write(head)
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b"\r\n")
            assert await answered(reader) == (200, b"0")


@pytest.mark.parametrize("sent", [b"", b"GE", GET], ids=["nothing", "half a line", "no end of the head"])
async def test_a_head_that_does_not_come_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(head, "_HEAD_SECONDS", 0.2)
    async with connect() as (reader, writer):
        writer.write(sent)
        assert await closed(reader) == b""


async def test_a_second_head_that_does_not_come_to_its_end_is_given_up(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_HEAD_SECONDS", 0.2)
    async with connect() as (reader, writer):
        writer.write(GET + b"\r\n")
        assert await answered(reader) == (200, b"0")
        writer.write(GET)
        assert await closed(reader) == b""


async def test_a_head_that_drips_is_given_up_however_steadily_it_drips(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_HEAD_SECONDS", 0.3)
    async with connect() as (reader, writer):
        ending = asyncio.create_task(closed(reader))
        with contextlib.suppress(ConnectionError):
            writer.write(GET)
            for _ in range(40):
                if ending.done():
                    break
                writer.write(b"x: a\r\n")
                await asyncio.sleep(0.05)

        assert ending.done()
        assert not (await ending).startswith(b"HTTP/1.1 200")


async def test_a_slow_and_large_body_is_not_the_heads_business(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_HEAD_SECONDS", 0.2)
    piece = b"b" * 40_000
    async with connect() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 160000\r\n\r\n")
        for _ in range(4):
            writer.write(piece)
            await asyncio.sleep(0.1)

        assert await answered(reader) == (200, b"160000")


async def test_requests_of_one_connection_are_answered_one_after_the_other(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "_HEAD_SECONDS", 0.3)
    post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
    async with connect() as (reader, writer):
        for _ in range(4):
            writer.write(post)
            assert await answered(reader) == (200, b"5")
            await asyncio.sleep(0.15)
        writer.write(post * 3)
        assert [await answered(reader) for _ in range(3)] == [(200, b"5")] * 3


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
        )
        return int(head.split()[1]), await reader.readexactly(length)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side closes."""
    read = b""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                read += chunk
    return read


async def test_a_body_that_comes_whole_is_not_counted_as_the_next_head(connect: Connect) -> None:
    size = head._HEAD_BYTES * 2
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"a" * size
    async with connect() as (reader, writer):
        for _ in range(3):
            writer.write(request)
            assert await answered(reader) == (200, str(size).encode())
