"""A provider that never ends what it says costs bounded memory and time, and ends in a clean refusal."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.gateway import GatewayProcess
from tests.support.hostile import ask, forget_peak, head, memory, peak, prompt, status, worker
from tests.support.waiting import PATIENCE_SECONDS

READ_SECONDS = 3.0
RESPONSE_MIB = 4
FIGURE_MIB = 60  # what one hostile answer may cost a worker
OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"content-type: application/json\r\n"
EVENTS = OK + b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "headers": (OK, b"x-one: " + b"a" * 1000 + b"\r\n"),
    "tiny headers": (OK, b"x:a\r\n" * 1000),
    "one header": (OK + b"x-one: ", b"a" * 65536),
    "a status line": (b"HTTP/1.1 200 ", b"a" * 65536),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: " + b"a" * 1000 + b"\r\n\r\n"),
    "trailers": (JSON + CHUNKED + b"2\r\n{}\r\n0\r\n", b"x-one: " + b"a" * 1000 + b"\r\n"),
    "one trailer": (JSON + CHUNKED + b"2\r\n{}\r\n0\r\nx-one: ", b"a" * 65536),
    "a chunk extension": (JSON + CHUNKED + b"2;", b"a" * 65536),
    "a chunk size": (JSON + CHUNKED, b"0" * 65536),
    "a body": (JSON + b"\r\n", b" " * 65536),
    "a body in chunks": (JSON + CHUNKED, b"1000\r\n" + b" " * 4096 + b"\r\n"),
    "a stream": (EVENTS + b"\r\n", b": comment\n\n" * 1000),
    "an event": (EVENTS + b"\r\ndata: ", b"a" * 65536),
    "an error": (b"HTTP/1.1 500 Oops\r\ncontent-type: application/json\r\n\r\n", b" " * 65536),
    "no kind of body": (OK + b"\r\n", b"a" * 65536),
    "silence": (b"", b""),
    "silence in a body": (JSON + b"content-length: 100\r\n\r\n{", b""),
}
BOMB_MIB = 512


class Endless(socketserver.ThreadingTCPServer):
    """Answers each connection with an opening, and then with the same piece until it is closed."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.says: tuple[bytes, bytes] = (b"", b"")
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Endless)
        while b"\r\n\r\n" not in self.request.recv(65536):
            pass
        opening, piece = server.says
        with contextlib.suppress(OSError):
            self.request.sendall(opening)
            while piece:
                self.request.sendall(piece)
            while self.request.recv(65536):
                pass
        server.ended.set()


@pytest.fixture(scope="module")
def provider() -> Iterator[Endless]:
    server = Endless()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def gateway(provider: Endless, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    limits = {"read_seconds": READ_SECONDS, "response_bytes": RESPONSE_MIB * 1024 * 1024}
    with worker(tmp_path_factory.mktemp("providers"), provider.url, limits=limits) as running:
        yield running


@pytest.fixture(scope="module")
def send(gateway: GatewayProcess) -> Callable[[], bytes]:
    """A request that an honest agent sends to this provider."""
    key, body = gateway.create_key("agent", "ana"), prompt(model="gpt-4o")
    line = "POST /openai/v1/chat/completions HTTP/1.1"
    asked = head(f"content-length: {len(body)}", "connection: close", line=line, key=key) + body
    return lambda: ask(gateway, asked)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A small body that is BOMB_MIB large."""
    packing, piece = zlib.compressobj(wbits=31), b" " * (1024 * 1024)  # 31: with the header of gzip
    return b"".join([*(packing.compress(piece) for _ in range(BOMB_MIB)), packing.flush()])


@pytest.mark.parametrize("what", ENDLESS)
def test_what_a_provider_says_without_end_is_refused_within_bounds(
    gateway: GatewayProcess, provider: Endless, send: Callable[[], bytes], what: str
) -> None:
    """The agent gets 502 or 504, or an error event, and the provider's connection is closed."""
    _assert_bounded(gateway, provider, send, ENDLESS[what])


@pytest.mark.parametrize("head_", [JSON, EVENTS], ids=["a body", "a stream"])
def test_a_compressed_bomb_of_a_provider_is_refused_within_bounds(
    gateway: GatewayProcess, provider: Endless, send: Callable[[], bytes], bomb: bytes, head_: bytes
) -> None:
    """What a provider compresses counts as what it holds."""
    _assert_bounded(gateway, provider, send, (head_ + b"content-encoding: gzip\r\n\r\n" + bomb, b""))


@pytest.mark.parametrize("code", [99, 600, 999])
def test_a_status_that_cannot_be_passed_on_is_refused(
    provider: Endless, send: Callable[[], bytes], code: int
) -> None:
    """With a status that is not 200 to 599 the agent gets 502, not a closed connection."""
    body = b"content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    provider.says = (b"HTTP/1.1 %03d Odd\r\n" % code + body, b"")
    answer = send()

    assert status(answer) == 502
    assert b"upstream_un" in answer


def test_a_body_that_does_not_say_its_kind_is_called_so(provider: Endless, send: Callable[[], bytes]) -> None:
    """The refusal names what is wrong, and not a bound that the agent cannot know."""
    provider.says = (OK + b"content-length: 2\r\nconnection: close\r\n\r\nhi", b"")
    answer = send()

    assert status(answer) == 502
    assert b"a body that no parser knows" in answer


def _assert_bounded(
    gateway: GatewayProcess, provider: Endless, send: Callable[[], bytes], says: tuple[bytes, bytes]
) -> None:
    before = memory(gateway.pid)
    forget_peak(gateway.pid)
    provider.says = says
    provider.ended.clear()
    answer = send()

    assert status(answer) in (502, 504) or b'"upstream_' in answer, answer[:300]
    assert provider.ended.wait(PATIENCE_SECONDS), "the provider's connection is still open"
    assert peak(gateway.pid) - before < FIGURE_MIB
