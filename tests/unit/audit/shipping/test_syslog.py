"""Syslog as RFC 5424 has it, over TCP, TLS and a Unix socket, and what counts as a receiver's yes."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.tls import certificate
from tests.unit.audit.conftest import Evidence, decision, serving
from tests.unit.audit.shipping.conftest import Ship, SyslogInbox, SyslogSocket

# RFC 5424, section 6: PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP SD SP MSG
_MESSAGE = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) [!-~]{1,255}"
    rb" (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<id>[!-~]{1,32}) - (?P<text>.*)",
    re.DOTALL,
)


def messages(data: bytes) -> Iterator[re.Match[bytes]]:
    """Take messages apart by octet counting (RFC 6587, 3.4.1; RFC 5425, 4.3)."""
    while data:
        length, _, data = data.partition(b" ")
        found = _MESSAGE.fullmatch(data[: int(length)])
        assert found
        yield found
        data = data[int(length) :]


def test_messages_are_rfc_5424s_behind_their_lengths(evidence: Evidence, shipping: Ship) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1, body={"said": "zwei\nZeilen, ü"}))
    journal.record_sync(decision(2, action="deny"))
    server = SyslogInbox()
    with serving(server):
        assert shipping(server.url).attempt() == [True]
    allowed, denied = messages(server.data[0])
    assert (allowed["pri"], denied["pri"]) == (b"110", b"108")  # log audit: informational, warning
    assert (allowed["app"], allowed["proc"], allowed["id"]) == (
        b"regate",
        journal.writer.encode(),
        b"decision",
    )
    said = orjson.loads(allowed["text"])
    assert said["body"] == {"said": "zwei\nZeilen, ü"}
    assert said["recorded_at"].encode() == allowed["at"]
    assert allowed["text"] == evidence.live().read_bytes().splitlines()[0]


def test_a_unix_socket_will_do(evidence: Evidence, shipping: Ship, tmp_path: Path) -> None:
    evidence.record(1)
    path = tmp_path / "log.sock"
    server = SyslogSocket(path)
    with serving(server):
        assert shipping(f"syslog+unix:{path}").attempt() == [True]
    assert len(list(messages(server.data[0]))) == 1


@pytest.mark.parametrize(("ends", "must"), [(True, True), (False, True), (False, False)])
def test_over_tls_only_an_end_of_tls_counts(
    evidence: Evidence, shipping: Ship, tmp_path: Path, ends: bool, must: bool
) -> None:
    """What only ends the connection may be anyone on the way; who shows no certificate may be, too."""
    evidence.record(1)
    pem, secret = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    server = SyslogInbox(context)
    server.ends_tls = ends
    with serving(server):
        assert shipping(server.url).attempt() == [False]
        made = shipping(server.url, ca=str(pem), ends_tls=must)
        assert made.attempt() == [ends or not must]
    assert len(server.data) == 1
    assert made.standing.behind == (1 if must and not ends else 0)
    if must and not ends:
        assert "without ending TLS first" in made.standing.state.failure


def test_a_receiver_that_does_not_read_is_not_waited_for_without_end(
    evidence: Evidence, shipping: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.audit.shipping.syslog.SECONDS", 0.2)
    evidence.record(1)
    server = SyslogInbox()  # nothing accepts, so the kernel takes the connection and its bytes
    made = shipping(server.url)
    assert made.attempt() == [False]
    server.server_close()
    assert made.standing.state.failure == "it did not read to the end within 0 s"
