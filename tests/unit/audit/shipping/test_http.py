"""Receivers over HTTP, well and in trouble."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from tests.support.tls import certificate
from tests.unit.audit.conftest import Evidence
from tests.unit.audit.shipping.conftest import (
    Behavior,
    Inbox,
    Ship,
    answers,
    drips,
    hangs,
    lies,
    redirects,
    resets,
    write,
)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (answers(500), "it answered 500"),
        (redirects, "it answered 307"),
        (answers(401), "it answered 401"),
        (hangs, "no answer within"),
        (drips, "no answer within"),
        (resets, "disconnected|reset"),
        (lies, "220 smtp"),
    ],
)
def test_a_receiver_in_trouble_is_told_of_and_loses_nothing(
    evidence: Evidence,
    inbox: Inbox,
    shipping: Ship,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Behavior,
    told: str,
) -> None:
    """It is asked again with the same records; the log has one line for all failures, and one for the end."""
    monkeypatch.setattr("gateway.audit.shipping.http.SECONDS", 0.3)
    names = write(evidence, 3)
    inbox.troubles.extend([trouble, trouble])
    made = shipping(inbox.url())
    assert made.attempt(2) == [False, False]
    standing = made.standing
    assert standing.behind == 3
    assert standing.state.failing_since
    assert re.search(told, standing.state.failure)
    assert made.attempt() == [True]
    assert inbox.records() == names
    assert (made.standing.behind, made.standing.state.failure) == (0, "")
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_a_receiver_with_an_unknown_certificate_gets_nothing(
    evidence: Evidence, inbox: Inbox, shipping: Ship, tmp_path: Path
) -> None:
    """Until its authority is configured."""
    names = write(evidence, 2)
    pem, secret = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    inbox.socket = context.wrap_socket(inbox.socket, server_side=True)
    made = shipping(inbox.url(scheme="https"))
    assert made.attempt() == [False]
    assert "certificate verify failed" in made.standing.state.failure
    assert not inbox.asked
    assert shipping(inbox.url(scheme="https"), ca="missing.pem").attempt() == [False]
    assert shipping(inbox.url(scheme="https"), ca=str(pem)).attempt() == [True]
    assert inbox.records() == names
