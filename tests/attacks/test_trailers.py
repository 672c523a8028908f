"""What comes behind a body is no part of its head, and its syntax is bounded like one."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import pytest

from tests.support.gateway import GatewayProcess
from tests.support.hostile import ask, chunked, connect, head, memory, prompt, status, worker
from tests.support.waiting import PATIENCE_SECONDS

CHUNKED = ("transfer-encoding: chunked", "connection: close")
FLOOD_MIB = 40  # what one hostile connection may add to a worker for a moment


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with worker(tmp_path_factory.mktemp("trailers")) as running:
        yield running


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana", delegate=True)


@pytest.mark.parametrize("name", ["authorization", "Authorization", "x-api-key"])
def test_a_key_in_a_trailer_does_not_authenticate(gateway: GatewayProcess, key: str, name: str) -> None:
    """Only the head says who calls."""
    value = f"Bearer {key}" if name.lower() == "authorization" else key
    trailer = f"0\r\n{name}: {value}\r\n\r\n".encode()

    assert status(ask(gateway, head(*CHUNKED) + chunked(prompt(), end=trailer))) == 401


@pytest.mark.parametrize(
    "field",
    [
        "x-regate-on-behalf-of: mallory",
        "x-regate-session: another",
        "content-encoding: gzip",
        "content-type: text/plain",
        "authorization: Bearer another",
        "user-agent: another",
        "expect: 100-continue",
    ],
)
def test_a_trailer_changes_nothing_of_a_request(gateway: GatewayProcess, key: str, field: str) -> None:
    """A request with a trailer is answered and recorded as the one without it."""
    asked = head(*CHUNKED, key=key)
    plain = ask(gateway, asked + chunked(prompt()))
    trailed = ask(gateway, asked + chunked(prompt(), end=f"0\r\n{field}\r\n\r\n".encode()))

    assert (status(plain), status(trailed)) == (200, 200)
    assert _header(plain, "x-regate-session-id") == _header(trailed, "x-regate-session-id")
    record = gateway.closing(_header(trailed, "x-regate-exchange-id"))
    assert "mallory" not in json.dumps(record, default=str)


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"x-padding: " + b"a" * 1000 + b"\r\n", id="trailers"),
        pytest.param(b"a:\r\n" * 4096, id="tiny trailers"),
        pytest.param(b"a" * 65536, id="one trailer"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["without a key", "with a key"])
def test_endless_trailers_take_no_memory_and_end_the_connection(
    gateway: GatewayProcess, key: str, piece: bytes, known: bool
) -> None:
    """A connection that never ends its trailers is closed."""
    opening = head(*CHUNKED, key=key if known else "") + chunked(prompt(), end=b"0\r\nx-first: ")
    _assert_flood_ends(gateway, opening, piece)


@pytest.mark.parametrize(
    ("opening", "piece"),
    [
        pytest.param(b"5;name=", b"v" * 65536, id="a chunk extension"),
        pytest.param(b"5;", b"n" * 65536, id="the name of a chunk extension"),
        pytest.param(b"", b"0" * 65536, id="a chunk size"),
        pytest.param(b'5;x="', b"q" * 65536, id="a quoted chunk extension"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["without a key", "with a key"])
def test_chunk_syntax_without_end_takes_no_memory_and_ends_the_connection(
    gateway: GatewayProcess, key: str, opening: bytes, piece: bytes, known: bool
) -> None:
    """Bytes that are none of the body are bounded before the next piece of it."""
    _assert_flood_ends(gateway, head(*CHUNKED, key=key if known else "") + opening, piece)


def test_honest_trailers_and_extensions_pass(gateway: GatewayProcess, key: str) -> None:
    """What a well-behaved sender puts around its chunks harms nothing."""
    body = prompt("x" * 2000)
    pieces = b"".join(b"1;sig=abc\r\n%c\r\n" % byte for byte in body)
    answer = ask(gateway, head(*CHUNKED, key=key) + pieces + b"0;last\r\nx-checksum: abc\r\n\r\n")

    assert status(answer) == 200


def _assert_flood_ends(gateway: GatewayProcess, opening: bytes, piece: bytes) -> None:
    before, most = memory(gateway.pid), 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    with contextlib.closing(connect(gateway)) as connection:
        ended = False
        try:
            connection.sendall(opening)
            while time.monotonic() < deadline:
                connection.sendall(piece)
                most = max(most, memory(gateway.pid) - before)
        except ConnectionError:
            ended = True

    assert ended, "the gateway took bytes without end"
    assert most < FLOOD_MIB


def _header(answer: bytes, name: str) -> str:
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return next(value for each, _, value in (line.partition(": ") for line in lines) if each == name)
