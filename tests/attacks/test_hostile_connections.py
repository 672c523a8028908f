"""A thousand hostile connections, in each state that a connection can be in, stay within a written figure.

The figures are those of `docs/reference/limits.md`. They are measured on a real worker, over its memory
before the first attack.
"""

from __future__ import annotations

import contextlib
import gzip
import resource
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.gateway import GatewayProcess
from tests.support.hostile import (
    PATH,
    ask,
    chunked,
    connect,
    forget_peak,
    head,
    is_closed,
    memory,
    peak,
    prompt,
    status,
    worker,
)
from tests.support.waiting import PATIENCE_SECONDS, holds, until

HOSTILE = 1000
HELD_MIB = 32  # limits.held_bytes of the worker under attack
UNKNOWN_MIB = 320  # what 1,000 connections of unknown callers may cost
KNOWN_MIB = UNKNOWN_MIB + 3 * HELD_MIB  # and of agents with a key
IDLE_SECONDS = 30.0  # after which the gateway has closed a connection that brings no request
FILLER = b"a" * 60_000

Opening = Callable[[str], bytes]
UNKNOWN: dict[str, Opening] = {
    "nothing": lambda key: b"",
    "a request line": lambda key: b"GET /" + FILLER,
    "a field": lambda key: head()[:-2] + b"x-one: " + FILLER,
    "many fields": lambda key: head()[:-2] + b"a:\r\n" * 190,
    "too many fields": lambda key: head()[:-2] + b"a:\r\n" * 16_000,
    "a body without a key": lambda key: head("content-length: 10000000") + FILLER * 4,
    "a form without a visit": lambda key: (
        b"POST /console/login HTTP/1.1\r\nhost: gateway\r\ncontent-length: 60001\r\n"
        b"content-type: application/x-www-form-urlencoded\r\n\r\n" + FILLER
    ),
    "a multipart form": lambda key: (
        b"POST /console/login HTTP/1.1\r\nhost: gateway\r\ncontent-type: multipart/form-data; boundary=b\r\n"
        b"content-length: 10000000\r\n\r\n" + FILLER
    ),
    "a question to the admin API": lambda key: (
        head("content-length: 60001", line="POST /admin/v1/sql HTTP/1.1") + FILLER
    ),
    "trailers without a key": lambda key: (
        head("transfer-encoding: chunked") + chunked(prompt(), end=b"0\r\nx-one: " + FILLER)
    ),
    "nothing after an answer": lambda key: head(line="GET /healthz HTTP/1.1"),
    "pipelined requests": lambda key: head(line="GET /healthz HTTP/1.1") * 2000,
    "an answer that is not read": lambda key: head(line="GET /metrics HTTP/1.1") * 4,
}
KNOWN: dict[str, Opening] = {
    "a body that does not come": lambda key: head("content-length: 10000000", key=key),
    "a body that comes slowly": lambda key: head("content-length: 10000000", key=key) + FILLER,
    "a chunk extension": lambda key: head("transfer-encoding: chunked", key=key) + b"5;" + FILLER,
    "a chunk size": lambda key: head("transfer-encoding: chunked", key=key) + b"0" * 60_000,
    "trailers": lambda key: (
        head("transfer-encoding: chunked", key=key) + chunked(b"{", end=b"0\r\nx-one: " + FILLER)
    ),
    "requests behind one": lambda key: (
        head("content-length: 2", key=key) + b"{}" + (head("content-length: 16000") + FILLER[:16_000]) * 4
    ),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    limits = {"connections": HOSTILE + 100, "held_bytes": HELD_MIB * 1024 * 1024, "idle_seconds": 5}
    with worker(tmp_path_factory.mktemp("hostile"), limits=limits) as running:
        yield running


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    made = gateway.create_key("agent", "ana")
    for _ in range(20):  # a worker that has answered some requests is as large as it gets on its own
        until(lambda: status(_asked(gateway, made)) == 200)  # a busy machine may be late to look the key up
    return made


@pytest.fixture(scope="module")
def before(gateway: GatewayProcess, key: str) -> int:
    """The worker's memory before the first attack, in MiB."""
    return memory(gateway.pid)


@pytest.fixture(autouse=True, scope="module")
def descriptors() -> Iterator[None]:
    """Enough descriptors for the attack."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * HOSTILE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("state", UNKNOWN)
def test_a_thousand_connections_of_unknown_callers_cost_little(
    gateway: GatewayProcess, key: str, before: int, state: str
) -> None:
    """Whatever unknown callers send and do not end, a worker keeps to its figure and serves others."""
    _attack(gateway, key, UNKNOWN[state](key), before + UNKNOWN_MIB)


@pytest.mark.parametrize("state", KNOWN)
def test_a_thousand_connections_of_an_agent_cost_what_is_written(
    gateway: GatewayProcess, key: str, before: int, state: str
) -> None:
    """A key buys room for bodies, up to `limits.held_bytes`, and no more."""
    _attack(gateway, key, KNOWN[state](key), before + KNOWN_MIB)


def test_bodies_over_the_bound_of_the_worker_are_refused_with_a_reason(
    gateway: GatewayProcess, key: str
) -> None:
    """A request that finds no room is answered 503, and the room comes back."""
    opening = head("content-length: 5000000", key=key) + b" " * 4_900_000
    with _opened(gateway, opening, HELD_MIB * 1024 * 1024 // 4_900_000) as _:
        refused = _refused(gateway, opening)

    assert status(refused) == 503
    assert b'"overloaded"' in refused
    until(lambda: status(_asked(gateway, key, "x" * 1_000_000)) != 503)


def test_compressed_bodies_count_as_what_they_hold(gateway: GatewayProcess, key: str) -> None:
    """A small body that grows in the gateway takes the room that it grows to."""
    packed = gzip.compress(prompt() + b" " * 9_000_000)
    fields = (f"content-length: {len(packed)}", "content-encoding: gzip", "connection: close")
    hold = head("content-length: 5000000", key=key) + b" " * 4_900_000
    with _opened(gateway, hold, 6):
        answer = _refused(gateway, head(*fields, key=key) + packed)

    assert (status(answer), b'"overloaded"' in answer) == (503, True)


def test_documents_that_are_larger_in_memory_count_as_what_they_are(
    gateway: GatewayProcess, key: str
) -> None:
    """Millions of empty objects are a small body and a document of hundreds of megabytes."""
    body = b'{"model": "demo", "messages": [], "x": [' + b"{}," * 2_000_000 + b"{}]}"
    answer = ask(gateway, head(f"content-length: {len(body)}", "connection: close", key=key) + body)

    assert (status(answer), b'"overloaded"' in answer) == (503, True)


IDLE = {
    "nothing": b"",
    "half a line": b"GE",
    "nothing after an answer": head(line="GET /healthz HTTP/1.1"),
    "a body without a key": head("content-length: 10000000"),
}


def test_a_connection_that_brings_no_request_ends(gateway: GatewayProcess) -> None:
    """Idle connections do not stay. All of them wait at the same time."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(IDLE)) as threads:
        connections = [stack.enter_context(contextlib.closing(connect(gateway))) for _ in IDLE]
        for connection, opening in zip(connections, IDLE.values(), strict=True):
            connection.sendall(opening)
        closed = threads.map(lambda one: is_closed(one, seconds=IDLE_SECONDS), connections)
        assert dict(zip(IDLE, closed, strict=True)) == dict.fromkeys(IDLE, True)


def test_a_crowd_of_idle_connections_locks_nobody_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Over `limits.connections`, the connection that has waited longest for a request makes room."""
    with worker(tmp_path_factory.mktemp("crowd"), limits={"connections": 50}) as gateway:
        key = gateway.create_key("agent", "ana")
        with _opened(gateway, b"", 200) as crowd:
            assert [status(_asked(gateway, key)) for _ in range(5)] == [200] * 5
            open_files = _sockets(gateway)

        assert len(crowd) == 200
        assert open_files < 100


def test_a_crowd_of_busy_connections_is_told_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    """When every connection has a request under way, a new one is answered 503 and closed."""
    with worker(tmp_path_factory.mktemp("busy"), limits={"connections": 10}) as gateway:
        key = gateway.create_key("agent", "ana")
        with _opened(gateway, head("content-length: 1000", key=key), 10):
            answer = _refused(gateway, b"")
        assert status(answer) == 503
        assert b"Too many connections." in answer


def test_a_body_of_an_unknown_caller_is_not_taken(gateway: GatewayProcess) -> None:
    """The refusal comes before the body, and the gateway does not read on until its end."""
    sent, whole = 0, 16_000_000_000  # bytes: more than go through in the second that the gateway lingers
    with contextlib.closing(connect(gateway)) as connection:
        connection.sendall(head(f"content-length: {whole}"))
        answer = connection.recv(65536)
        with contextlib.suppress(ConnectionError):
            while sent < whole:
                connection.sendall(FILLER)
                sent += len(FILLER)

    assert status(answer) == 401
    assert b"connection: close" in answer
    assert sent < whole


def _attack(gateway: GatewayProcess, key: str, opening: bytes, most: int) -> None:
    """Open the connections, leave them as they are for a while, and ask as honest callers do meanwhile."""
    forget_peak(gateway.pid)
    with _opened(gateway, opening, HOSTILE):
        assert status(_asked(gateway, key)) in (200, 429, 503)  # room, none of this agent, none at all
        with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as http:
            assert http.get(f"{gateway.url}/healthz").status_code == 200

    assert peak(gateway.pid) < most
    assert holds(lambda: status(_asked(gateway, key)) == 200), "the gateway did not recover"


def _refused(gateway: GatewayProcess, sent: bytes) -> bytes:
    """What the gateway answers once it is full; what was opened before may still be arriving."""
    answers: list[bytes] = []

    def is_refused() -> bool:
        answers.append(ask(gateway, sent, seconds=5))
        return status(answers[-1]) == 503

    until(is_refused)
    return answers[-1]


@contextlib.contextmanager
def _opened(gateway: GatewayProcess, opening: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent `opening` as far as it was taken; their answers are not read."""
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(contextlib.closing(connect(gateway, receive_bytes=4096)))
            for _ in range(count)
        ]
        _send_all(made, opening)
        yield made


def _send_all(connections: list[socket.socket], data: bytes, *, seconds: float = 30) -> None:
    """Send to all at once; a connection that takes no more for a second, or closes, has had enough."""
    selector = selectors.DefaultSelector()
    for connection in connections:
        connection.setblocking(False)
        if data:
            selector.register(connection, selectors.EVENT_WRITE, memoryview(data))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (ready := selector.select(timeout=1)):
        for found, _ in ready:
            rest = found.data
            try:
                rest = rest[found.fileobj.send(rest) :]  # type: ignore[union-attr]  # only sockets are in it
            except BlockingIOError:
                continue
            except OSError:
                rest = b""
            if rest:
                selector.modify(found.fileobj, selectors.EVENT_WRITE, rest)
            else:
                selector.unregister(found.fileobj)
    selector.close()


def _asked(gateway: GatewayProcess, key: str, text: str = "hello") -> bytes:
    """Ask as an honest caller does, whose turn comes behind a thousand others."""
    body = prompt(text)
    line = f"POST {PATH} HTTP/1.1"
    opening = head(f"content-length: {len(body)}", "connection: close", line=line, key=key)
    return ask(gateway, opening + body)


def _sockets(gateway: GatewayProcess) -> int:
    found = 0
    for link in Path(f"/proc/{gateway.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(link.readlink()).startswith("socket:")
    return found
