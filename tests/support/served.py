"""The application behind its own HTTP server, and a provider of raw bytes: all in the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import h11
import uvicorn

from gateway.http.head import BoundedHttpProtocol

Headers = Sequence[tuple[str, str]]
_CONNECTIONS = 100
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a client sends it; `target` begins with the provider's name behind a gateway."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Got:
    """A message as HTTP delivered it, its chunks put together; header names in lower case."""

    status: int
    headers: Headers
    body: bytes
    target: str = ""  # of a request
    method: str = ""

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str:
        return ", ".join(self.values(name))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as a provider sends it: its body in pieces, chunked unless its length is told."""

    status: int = 200
    headers: Headers = ()
    pieces: Sequence[bytes] = ()
    chunked: bool = False
    reason: str = "Fine"

    def encoded(self, *, bare: bool) -> Iterable[bytes]:
        """Return the bytes; without a body where HTTP has none."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{n}: {v}" for n, v in self.headers)]
        bare = bare or self.status in (204, 304)
        if self.chunked and not bare:
            lines.append("transfer-encoding: chunked")
        elif self.status not in (204, 304):
            lines.append(f"content-length: {sum(map(len, self.pieces))}")
        yield "\r\n".join([*lines, "", ""]).encode("latin-1")
        if bare:
            return
        for piece in self.pieces:
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece
        if self.chunked:
            yield b"0\r\n\r\n"


@dataclass(slots=True)
class RawProvider:
    """Answers what it is told, and keeps the last request."""

    reply: Reply = Reply()
    got: Got | None = None
    count: int = 0
    drops: int = -1  # bytes after which it closes
    url: str = field(default="", init=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (got := await _received(h11.Connection(h11.SERVER), reader)) is not None:
                self.got, self.count = got, self.count + 1
                left = self.drops
                for piece in self.reply.encoded(bare=got.method == "HEAD"):
                    writer.write(piece if left < 0 else piece[:left])
                    await writer.drain()
                    await asyncio.sleep(0)
                    left = left if left < 0 else max(0, left - len(piece))
                if left >= 0:
                    break
        writer.close()


@asynccontextmanager
async def raw_provider() -> AsyncIterator[RawProvider]:
    """Open a provider."""
    provider = RawProvider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield provider


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an application as a worker does, and return its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    protocol = functools.partial(BoundedHttpProtocol, connections=_CONNECTIONS)
    config = uvicorn.Config(
        app,
        loop="none",
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  # the test's own stay
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def send(url: str, sent: Sent, *, lenient: bool = False) -> Got:
    """Send a request on a connection of its own, byte for byte, and return the answer.

    `lenient`: an answer that breaks off is as far as it came, one that never began has the status 0.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    own = [("host", "api.example"), ("connection", "close"), *sent.headers]
    if sent.body and not {"transfer-encoding", "content-length"} & dict(sent.headers).keys():
        own.append(("content-length", str(len(sent.body))))
    lines = [f"{sent.method} {sent.target} HTTP/1.1", *(f"{name}: {value}" for name, value in own), "", ""]
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=sent.method, target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    async with asyncio.timeout(_PATIENCE_SECONDS):
        writer.write("\r\n".join(lines).encode() + sent.body)
        try:
            got = await _received(connection, reader)
        except (h11.RemoteProtocolError, ConnectionError):
            got = None
            if not lenient:
                raise
    writer.close()
    if got is None and lenient:
        return Got(0, (), b"")
    assert got is not None, "the connection was closed without an answer"
    return got


async def _received(connection: h11.Connection, reader: asyncio.StreamReader) -> Got | None:
    """Return the next message; None where the connection ends before it."""
    head: Any = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request | h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return _got(head, body)
        elif not isinstance(event, h11.InformationalResponse):
            return None


def _got(head: Any, body: bytes) -> Got:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    if isinstance(head, h11.Request):
        return Got(0, headers, body, head.target.decode("latin-1"), head.method.decode())
    return Got(head.status_code, headers, body)
