"""Records as OpenTelemetry's logs, read with its own classes."""

from __future__ import annotations

import sys

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from tests.unit.audit.conftest import Evidence, decision
from tests.unit.audit.shipping.conftest import Inbox, Ship


def test_a_record_is_a_log_with_its_time_severity_and_name(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1))
    journal.record_sync(decision(2, action="deny"))
    assert shipping(inbox.url("/otel/", "otlp+http"), "ocsf").attempt() == [True]
    (got,) = inbox.got
    assert (got.path, got.headers["content-type"]) == ("/otel/v1/logs", "application/x-protobuf")
    (resource,) = ExportLogsServiceRequest.FromString(got.body).resource_logs
    assert {one.key: one.value.string_value for one in resource.resource.attributes}[
        "service.name"
    ] == "regate"
    first, second = resource.scope_logs[0].log_records
    assert (first.severity_text, second.severity_text) == ("INFO", "WARN")
    event = orjson.loads(first.body.string_value)
    assert first.time_unix_nano // 10**6 == event["time"]
    assert {one.key: one.value.string_value for one in first.attributes} == {
        "regate.record": f"{journal.writer}:1",
        "regate.kind": "decision",
        "regate.exchange_id": "ex_1",
    }


def test_a_collector_that_took_a_part_is_asked_for_the_rest(
    evidence: Evidence, inbox: Inbox, shipping: Ship
) -> None:
    """It says so with 200; what it says no to in every form is told of."""
    evidence.record(1)
    told = ExportLogsServiceResponse()
    told.partial_success.rejected_log_records = 1
    told.partial_success.error_message = "too old"
    inbox.answer = told.SerializeToString()
    made = shipping(inbox.url(scheme="otlp+http"))
    assert made.attempt() == [False]
    assert made.standing.state.failure.endswith("1 of 1 were rejected: too old")
    inbox.answer = b"OK"
    assert made.attempt() == [False]
    inbox.answer = b""
    assert made.attempt() == [True]


def test_without_the_extra_nothing_is_sent_and_it_says_so(
    evidence: Evidence, inbox: Inbox, shipping: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.logs.v1", None)
    evidence.record(1)
    made = shipping(inbox.url(scheme="otlp+http"))
    assert made.attempt() == [False]
    assert "pip install 'regate[otel]'" in made.standing.state.failure
