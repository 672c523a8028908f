"""Raw sockets to a gateway, for bytes that no HTTP client sends, and the memory that they cost."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.configuration import any_engine, configuration
from tests.support.gateway import GatewayProcess
from tests.support.waiting import PATIENCE_SECONDS

PATH = "/demo/v1/chat/completions"
NOWHERE = "http://127.0.0.1:1"
_MIB = 1024 * 1024


@contextlib.contextmanager
def worker(folder: Path, provider_url: str = NOWHERE, **changes: Any) -> Iterator[GatewayProcess]:
    """A running gateway of one worker, whose provider `demo` is built in."""
    process = GatewayProcess(folder, configuration(provider_url, engine=any_engine(), **changes))
    try:
        yield process.start()
    finally:
        process.kill()


def connect(gateway: GatewayProcess, *, receive_bytes: int = 0) -> socket.socket:
    """An open connection; `receive_bytes` is how little its side of the kernel takes."""
    address = urlsplit(gateway.url)
    made = socket.socket()
    if receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    made.settimeout(PATIENCE_SECONDS)
    made.connect((address.hostname, address.port))
    return made


def head(*fields: str, line: str = f"POST {PATH} HTTP/1.1", key: str = "") -> bytes:
    """A request's head with `fields`, and the key where one is given."""
    known = [f"authorization: Bearer {key}"] if key else []
    own = ["host: gateway", "content-type: application/json"]
    return "\r\n".join([line, *own, *known, *fields, "", ""]).encode("latin-1")


def prompt(text: str = "hello", *, model: str = "demo") -> bytes:
    """The body of a chat completion."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks, and what ends it: trailers stand there."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def heard(connection: socket.socket, *, seconds: float = PATIENCE_SECONDS) -> bytes:
    """All that comes until the gateway closes or `seconds` are over."""
    said, deadline = b"", time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            piece = connection.recv(65536)
            if not piece:
                break
            said += piece
    return said


def is_closed(connection: socket.socket, *, seconds: float) -> bool:
    """Whether the gateway closes within `seconds`; what it says before is dropped."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            if not connection.recv(65536):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def ask(gateway: GatewayProcess, sent: bytes, *, seconds: float = PATIENCE_SECONDS) -> bytes:
    """Send bytes on a connection of their own; what is heard until it is closed."""
    with contextlib.closing(connect(gateway)) as connection:
        with contextlib.suppress(OSError):  # the gateway may have heard enough
            connection.sendall(sent)
        return heard(connection, seconds=seconds)


def status(answer: bytes) -> int:
    """The status of an answer; 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def memory(pid: int) -> int:
    """What a process holds in memory now, in MiB."""
    fields = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1]
    return int(fields.split()[0]) * 1024 // _MIB


def peak(pid: int) -> int:
    """The most that a process held in memory since `forget_peak`, in MiB."""
    fields = Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1]
    return int(fields.split()[0]) * 1024 // _MIB


def forget_peak(pid: int) -> None:
    """Count the peak from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
