"""Interim answers pass, and end the connection when they have no end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.errors import UpstreamUnreadable
from gateway.upstream import HttpTransport, UpstreamRequest, open_session

REQUEST = UpstreamRequest("POST", "/v1/x%20y", "limit=2", {"accept": "application/json"}, b"{}")


@asynccontextmanager
async def provider(answer):
    """A server that hands each connection's request head to `answer(head, writer)`."""
    heads, serving = [], []

    async def serve(reader, writer):
        serving.append(asyncio.current_task())
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(writer)
        finally:
            writer.transport.abort() if answer is hang else writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heads
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0.01)  # for the transports to close


async def hang(writer):
    await asyncio.sleep(60)


async def say(writer, data: bytes):
    writer.write(data)
    await writer.drain()


async def fetch(port: int, *, base: str = "", credential=None, read_seconds: float = 5):
    async with open_session(2, read_seconds) as session:
        upstream = HttpTransport(session, f"http://127.0.0.1:{port}{base}", credential or {})
        response = await upstream.send(REQUEST)
        try:
            return response, b"".join([chunk async for chunk in response.chunks()])
        finally:
            await response.close()


async def test_interim_answers_pass_and_without_end_they_are_unreadable():
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with provider(lambda w: say(w, hint * 3 + whole)) as (port, _):
        assert (await fetch(port))[1] == b"ok"
    async with provider(lambda w: say(w, hint * 1000 + whole)) as (port, _):
        with pytest.raises(UpstreamUnreadable):
            await fetch(port)
