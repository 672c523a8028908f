"""A provider that refuses, hangs, lies or breaks off is told apart, over real sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.errors import UpstreamTimeout, UpstreamUnavailable, UpstreamUnreadable
from gateway.upstream import HttpTransport, UpstreamRequest, open_session, pack, unpack

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


async def hang_up(writer):
    pass


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


async def test_the_request_goes_up_as_it_was_given_with_the_credential():
    async with provider(lambda w: say(w, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as (port, heads):
        response, body = await fetch(port, base="/team/a", credential={"x-api-key": "k"})
    head = heads[0].decode().lower()
    assert head.startswith("post /team/a/v1/x%20y?limit=2 http/1.1")
    assert "x-api-key: k" in head
    assert "user-agent" not in head
    assert "accept-encoding: identity" in head
    assert (response.status, body) == (200, b"ok")


async def test_a_redirect_is_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with provider(lambda w: say(w, moved)) as (port, heads):
        response, _ = await fetch(port)
    assert response.status == 302
    assert len(heads) == 1


async def test_nobody_there_is_unavailable():
    with pytest.raises(UpstreamUnavailable):
        await fetch(1)


async def test_a_provider_that_hangs_is_a_timeout():
    async with provider(hang) as (port, _):
        with pytest.raises(UpstreamTimeout):
            await fetch(port, read_seconds=0.2)


async def test_a_body_that_breaks_off_is_unavailable():
    async with provider(lambda w: say(w, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as (port, _):
        with pytest.raises(UpstreamUnavailable):
            await fetch(port)


async def test_no_answer_at_all_is_unavailable():
    async with provider(hang_up) as (port, _):
        with pytest.raises(UpstreamUnavailable):
            await fetch(port)


async def test_an_answer_that_is_no_http_is_unreadable():
    async with provider(lambda w: say(w, b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as (port, _):
        with pytest.raises((UpstreamUnreadable, UpstreamUnavailable)):
            await fetch(port)


async def test_a_provider_that_sends_chunk_syntax_and_no_body_is_a_timeout():
    async def extend(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;")
        while True:
            await say(writer, b"a" * 1000)
            await asyncio.sleep(0.01)

    async with provider(extend) as (port, _):
        with pytest.raises(UpstreamTimeout):
            await fetch(port, read_seconds=0.3)


async def test_a_held_completion_is_read_again_as_it_came():
    async with provider(
        lambda w: say(w, b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: 2\r\n\r\nok")
    ) as (
        port,
        _,
    ):
        response, body = await fetch(port)
    again = unpack(pack(response, body))
    assert (again.status, again.headers["content-type"]) == (200, "a/b")
    assert b"".join([chunk async for chunk in again.chunks()]) == b"ok"


async def test_a_header_that_is_no_utf_8_is_latin_1():
    async def answer(writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: \xfc\r\nx-note: \xc3\xbc\r\ncontent-length: 0\r\n\r\n"
        )

    async with provider(answer) as (port, _), open_session(1, 1) as session:
        response = await HttpTransport(session, f"http://127.0.0.1:{port}", {}).send(REQUEST)
        assert (response.headers["content-type"], response.headers["x-note"]) == ("ü", "Ã¼")
        assert unpack(pack(response, b"")).headers == {"content-type": "ü"}
