"""A connection begins with the certificate that the files hold then, or held when they last fit."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from gateway.config import ListenTls
from gateway.errors import ConfigError
from gateway.http.renewed import RenewedContext
from tests.support.certificates import Authority


def shown(context: ssl.SSLContext, trust: Path) -> bytes | None:
    """Return the certificate of the server in a handshake without sockets."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cafile=trust).wrap_bio(
        to_client, to_server, server_hostname="127.0.0.1"
    )
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True)


def test_changed_files_count_for_new_connections_once_they_fit(tmp_path: Path) -> None:
    authority, now = Authority(tmp_path), [0.0]
    authority.issue("server")
    context = RenewedContext(
        ListenTls(certificate="server.pem", key="server.key"), tmp_path, clock=lambda: now[0]
    )
    first = shown(context, authority.pem)
    old_key = (tmp_path / "server.key").read_bytes()
    authority.issue("server")
    new_key = (tmp_path / "server.key").read_bytes()
    (tmp_path / "server.key").write_bytes(old_key)  # the certificate is here already, its key is not
    now[0] = 2
    assert shown(context, authority.pem) == first
    (tmp_path / "server.key").write_bytes(new_key)
    os.utime(tmp_path / "server.key", (1, 1))
    now[0] = 4
    assert shown(context, authority.pem) not in (None, first)
    (tmp_path / "server.pem").unlink()
    now[0] = 6
    assert shown(context, authority.pem) not in (None, first)


def test_files_that_do_not_fit_at_the_start_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="listen_tls: the files cannot be used"):
        RenewedContext(ListenTls(certificate="absent.pem", key="absent.key"), tmp_path)
