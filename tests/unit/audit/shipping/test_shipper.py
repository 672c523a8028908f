"""A receiver gets every record at least once, in order, whatever goes wrong with it."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from gateway.audit import Record
from gateway.audit.files.rotation import open_signer
from gateway.audit.sealing.orders import Order, order_erasure
from tests.unit.audit.conftest import Evidence, decision, serving
from tests.unit.audit.shipping.conftest import (
    Inbox,
    Ship,
    SyslogInbox,
    answers,
    write,
)


def test_a_receiver_that_is_not_there_is_told_of(evidence: Evidence, shipping: Ship) -> None:
    write(evidence, 1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", f"syslog+tcp://127.0.0.1:{port}", "syslog+unix:/no/such/socket"):
        made = shipping(url)
        assert made.attempt() == [False]
        assert made.standing.state.failure
        assert made.standing.behind == 1


def test_the_credential_goes_to_the_receiver_and_nowhere_else(
    evidence: Evidence,
    inbox: Inbox,
    shipping: Ship,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    write(evidence, 1)
    made = shipping(inbox.url(), credential="env:SIEM_TOKEN")
    assert made.attempt() == [False]
    assert made.standing.state.failure == "its credential env:SIEM_TOKEN is not set"
    monkeypatch.setenv("SIEM_TOKEN", "s3cret\n")  # no header can hold it: it must not be repeated
    assert made.attempt() == [False]
    monkeypatch.setenv("SIEM_TOKEN", "s3cret")
    inbox.troubles.append(answers(500))
    assert made.attempt(2) == [False, True]
    assert inbox.got[0].headers["authorization"] == "Bearer s3cret"
    evidence.record(2)
    (tmp_path / "token").write_text("Splunk t0ken\n")
    named = shipping(inbox.url(), credential=f"file:{tmp_path}/token", credential_header="authorization")
    assert named.attempt() == [True]
    assert inbox.got[1].headers["authorization"] == "Splunk t0ken"
    left = caplog.text + "".join(path.read_text() for path in evidence.folder.shipping.iterdir())
    assert "s3cret" not in left
    assert "t0ken" not in left


def test_a_batch_that_is_too_much_is_halved_and_a_record_goes_without_its_body_at_last(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    """Only the record that the receiver cannot take is short; the chain still holds for it."""
    journal = evidence.journal()
    for number, said in enumerate(("small", "x" * 50_000, "small")):
        journal.record_sync(Record("gateway", body={"number": number, "said": said}))
    inbox.limit = 20_000
    made = shipping(inbox.url())
    assert made.attempt() == [True]
    lines = [orjson.loads(line) for got in inbox.got for line in got.body.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert ["withheld" in line for line in lines] == [False, True, False]
    assert "body" not in lines[1]


def test_a_record_that_is_refused_in_any_form_holds_up_what_is_behind_it(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    names = write(evidence, 2)
    inbox.limit = 10
    made = shipping(inbox.url())
    assert made.attempt() == [False]
    assert made.standing.state.failure == f"record {names[0]}: it answered 413"
    assert made.standing.behind == 2


def test_a_cursor_that_cannot_be_read_now_is_not_written_over(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    write(evidence, 1)
    made = shipping(inbox.url())
    assert made.attempt() == [True]
    path = evidence.folder.shipping / "siem.json"
    kept = path.rename(path.with_suffix(".kept"))
    path.mkdir()  # cannot be read as a file
    assert made.attempt() == [False]
    path.rmdir()
    kept.rename(path)
    assert made.attempt() == [True]
    assert inbox.asked == 1


def test_what_is_no_event_is_behind_no_longer_though_nothing_was_sent(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    evidence.journal().record_sync(Record("gateway", code="started"))
    made = shipping(inbox.url(), "ocsf")
    assert made.attempt() == [True]
    assert (made.standing.behind, inbox.asked) == (0, 0)
    evidence.record(1)
    assert made.attempt() == [True]
    (event,) = [orjson.loads(line) for line in inbox.got[0].body.splitlines()]
    assert event["class_uid"] == 6003


def test_what_was_erased_while_a_receiver_was_away_does_not_go_to_it(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    """An attempt keeps nothing for the next one."""
    journal = evidence.journal()
    journal.record_sync(decision(1, session_id="se_x", body={"said": "a secret"}))
    journal.close()
    inbox.troubles.append(answers(503))
    made = shipping(inbox.url())
    sealer = evidence.sealer()
    assert made.attempt() == [False]
    signer = open_signer(evidence.key, evidence.folder)
    order_erasure(evidence.folder, signer, Order("se_x"), datetime.now(UTC))
    sealer.seal()
    sealer.seal()
    assert made.attempt() == [True]
    assert b"a secret" not in inbox.got[0].body
    assert inbox.records() == [f"{journal.writer}:1"]


def test_syslog_receivers_take_a_batch_only_when_they_read_to_its_end(
    evidence: Evidence, shipping: Ship
) -> None:
    names = write(evidence, 200)
    server = SyslogInbox()
    with serving(server):
        server.limits.extend([16, 160])
        went = shipping(server.url).attempt(3)
    assert went == [False, False, True]
    assert server.data[0].count(b'"kind":"decision"') == len(names)
