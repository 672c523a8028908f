"""`regate doctor --bypass`: what can be reached around the gateway is told, and how."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cli.bypass import HOSTS, ways_around
from cli.scan.clients import HOST, VENDORS

HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def reset(connection: socket.socket) -> None:
    """Cut a connection as a firewall does that reads names in TLS."""


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_host_that_answers_is_a_way_around() -> None:
    with listening(lambda one: one.sendall(HEALTHY)) as port, listening(reset) as cut:
        hosts = [f"127.0.0.1:{port}", f"127.0.0.1:{cut}", "127.0.0.1:1", "no.such.host.invalid"]
        checks = {one.what: one for one in ways_around(hosts, f"http://127.0.0.1:{port}")}
    assert [checks[host].ok for host in hosts] == [False, True, True, True]
    assert checks["gateway"].ok
    assert "can be reached at 127.0.0.1" in checks[hosts[0]].state


def test_a_proxy_that_lets_a_host_through_is_a_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(lambda one: one.sendall(HEALTHY)) as port:
        monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{port}")
        _, check = ways_around(["no.such.host.invalid"], "")
    assert (check.ok, check.state) == (False, f"can be reached through the proxy 127.0.0.1:{port}")


@pytest.mark.parametrize("gateway", ["", "http://127.0.0.1:1"])
def test_without_the_gateway_nothing_is_proved(gateway: str) -> None:
    (check,) = ways_around([], gateway)
    assert not check.ok
    assert check.remedy


def test_each_provider_that_scan_knows_is_tried() -> None:
    """But for Azure, whose hosts are each customer's own."""
    tried = {found.lastgroup for host in HOSTS if (found := HOST.match(f"{host}/api"))}
    assert tried == VENDORS.keys() - {"azure"}
