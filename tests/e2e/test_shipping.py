"""A gateway ships its evidence as it records it, and a receiver in trouble holds up no request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.asking import body_of, post
from tests.support.configuration import any_engine, configuration
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import CREDENTIAL, EMAIL
from tests.support.waiting import until
from tests.unit.audit.conftest import serving
from tests.unit.audit.shipping.conftest import Inbox


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    server = Inbox()
    with serving(server):
        yield server


def test_every_record_arrives_to_the_last_and_no_value_with_it(
    tmp_path: Path, provider: FakeProvider, inbox: Inbox
) -> None:
    """The metrics tell who is behind; the credential is in the header and nowhere else."""
    well = {"name": "well", "url": inbox.url(), "format": "records", "credential": "env:UPSTREAM_KEY"}
    refusing = {"name": "refusing", "url": "http://127.0.0.1:1/"}
    config = configuration(provider.url, engine=any_engine())
    audit = {**config["audit"], "receivers": [well, refusing]}
    gateway = GatewayProcess(tmp_path, {**config, "audit": audit}).start()
    key = gateway.create_key("bot", "dana")
    with httpx.Client(timeout=30) as http:
        answers = [post(http, gateway, key, body_of("openai", "echo", f"Mail {EMAIL}")) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        until(lambda: inbox.got)
        metrics = f"{gateway.url}/metrics"
        until(lambda: 'regate_audit_shipping_failing{receiver="refusing"} 1.0' in http.get(metrics).text)
        until(lambda: 'regate_audit_shipping_behind{receiver="well"} 0.0' in http.get(metrics).text)
    assert gateway.stop() == 0

    records = gateway.query("SELECT writer, seq, code FROM records ORDER BY writer, seq")
    assert {row["code"] for row in records} >= {"started", "stopped"}
    assert sorted(inbox.records()) == sorted(f"{row['writer']}:{row['seq']}" for row in records)
    assert {got.headers["authorization"] for got in inbox.got} == {f"Bearer {CREDENTIAL}"}
    shipped = b"".join(got.body for got in inbox.got)
    for secret in (EMAIL, CREDENTIAL, key):
        assert secret.encode() not in shipped
    assert CREDENTIAL not in gateway.log()
    assert gateway.log().count("evidence is not shipped to refusing") == 1
    assert "Traceback" not in gateway.log()
