"""Receivers over real sockets, well and broken, and shippers to them."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from gateway.audit.shipping.shipper import Shipper
from gateway.audit.shipping.state import Standing, standings
from gateway.config import AuditReceiver
from tests.unit.audit.conftest import Evidence, decision, serving


class Got(NamedTuple):
    """A request that a receiver said yes to."""

    path: str
    headers: dict[str, str]
    body: bytes


Behavior = Callable[["Taking"], None]


class Inbox(ThreadingHTTPServer):
    """An HTTP receiver that says yes, but for the next `troubles`, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.got: list[Got] = []
        self.asked = 0
        self.troubles: deque[Behavior] = deque()
        self.answer = b""
        self.limit = 2**30  # bytes of a body; one above is a 413
        self.over = threading.Event()

    def url(self, path: str = "/in", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.server_port}{path}"

    def records(self) -> list[str]:
        """The names of the records that came, in order, as JSON lines."""
        lines = [line for got in self.got for line in got.body.splitlines()]
        return [f"{one['writer']}:{one['seq']}" for one in map(orjson.loads, lines)]

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a shipper may hang up at any time."""


class Taking(BaseHTTPRequestHandler):
    """One request."""

    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got = Got(self.path, dict(self.headers), body)
        self.server.asked += 1
        if self.server.troubles:
            self.server.troubles.popleft()(self)
            return
        if len(body) > self.server.limit:
            answers(413)(self)
            return
        self.server.got.append(self.got)
        self.send_response(200)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


def answers(status: int) -> Behavior:
    """Answer with this status."""

    def behave(handler: Taking) -> None:
        handler.send_response(status)
        handler.send_header("content-length", "0")
        handler.end_headers()

    return behave


def redirects(handler: Taking) -> None:
    """Send the shipper elsewhere: to the same receiver, which would take it."""
    handler.send_response(307)
    handler.send_header("location", handler.server.url("/elsewhere"))
    handler.send_header("content-length", "0")
    handler.end_headers()


def hangs(handler: Taking) -> None:
    """Never answer."""
    handler.server.over.wait(30)


def drips(handler: Taking) -> None:
    """Answer a byte at a time, and never to an end."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    with suppress(OSError):
        while not handler.server.over.wait(0.05):
            handler.wfile.write(b" ")


def resets(handler: Taking) -> None:
    """Drop the connection without a word."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def lies(handler: Taking) -> None:
    """Answer in another protocol."""
    handler.wfile.write(b"220 smtp.example ESMTP\r\n")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    with serving(server):
        yield server
        server.over.set()


class SyslogInbox(socketserver.ThreadingTCPServer):
    """A syslog receiver that reads each connection to its end; `limit` bytes at most when that is set."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Reading)
        self.tls = tls
        self.data: list[bytes] = []
        self.limits: deque[int] = deque()
        self.ends_tls = True

    @property
    def url(self) -> str:
        return f"syslog+{'tls' if self.tls else 'tcp'}://127.0.0.1:{self.server_address[1]}"


class SyslogSocket(socketserver.ThreadingUnixStreamServer):
    """The same at a path."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Reading)
        self.tls = None
        self.data: list[bytes] = []
        self.limits: deque[int] = deque()
        self.ends_tls = True


class _Reading(socketserver.BaseRequestHandler):
    server: SyslogInbox

    def handle(self) -> None:
        limit = self.server.limits.popleft() if self.server.limits else None
        with suppress(ssl.SSLError, ConnectionError):
            connection = self.request
            if self.server.tls:
                connection = self.server.tls.wrap_socket(connection, server_side=True)
            data = b""
            while limit is None or len(data) < limit:
                if not (chunk := connection.recv(65536 if limit is None else 16)):
                    break
                data += chunk
            if limit is not None:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                return
            self.server.data.append(data)
            if self.server.tls:
                if self.server.ends_tls:
                    connection = connection.unwrap()
                connection.close()


class Shipping:
    """One receiver's shipping under test: each attempt is a new shipper, as after a restart."""

    def __init__(self, evidence: Evidence, receiver: AuditReceiver) -> None:
        self.evidence = evidence
        self.receiver = receiver

    def attempt(self, times: int = 1) -> list[bool]:
        """Make attempts with one shipper; returns how each went."""

        async def attempts() -> list[bool]:
            shipper = Shipper(self.evidence.root, self.evidence.root.parent, self.receiver)
            try:
                return [await shipper.attempt() for _ in range(times)]
            finally:
                await shipper.close()

        return asyncio.run(attempts())

    @property
    def standing(self) -> Standing:
        (standing,) = standings(self.evidence.root, [self.receiver])
        return standing


Ship = Callable[..., Shipping]


@pytest.fixture
def shipping(evidence: Evidence) -> Ship:
    def make(url: str, form: Any = "records", **settings: Any) -> Shipping:
        return Shipping(evidence, AuditReceiver("siem", url, form, **settings))

    return make


def write(evidence: Evidence, count: int) -> list[str]:
    """Record so many decisions; returns the names of the records."""
    journal = evidence.journal()
    for number in range(count):
        journal.record_sync(decision(number))
    journal.close()
    return [f"{journal.writer}:{number}" for number in range(1, count + 1)]
