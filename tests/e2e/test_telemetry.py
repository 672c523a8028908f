"""OpenTelemetry: what a collector gets, what it never gets, and that traffic does not depend on one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.asking import body_of, post
from tests.support.configuration import any_engine, configuration
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.prefork import ROOT
from tests.support.values import CREDENTIAL, EMAIL, PEM

_TRACE, _SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass(frozen=True, slots=True)
class Collector:
    url: str
    folder: Path

    def raw(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.glob("*-*"))

    def spans(self) -> list[Any]:
        """Every span, the earliest first."""
        found = [
            span
            for path in self.folder.glob("traces-*[0-9]")
            for resource in ExportTraceServiceRequest.FromString(path.read_bytes()).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def logs(self) -> list[Any]:
        return [
            record
            for path in self.folder.glob("logs-*[0-9]")
            for resource in ExportLogsServiceRequest.FromString(path.read_bytes()).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> dict[str, list[Any]]:
        """The points of each metric as they were told last: they are cumulative."""
        last = max(self.folder.glob("metrics-*[0-9]"), key=lambda path: path.stat().st_mtime_ns)
        return {
            metric.name: [*metric.histogram.data_points, *metric.sum.data_points]
            for resource in ExportMetricsServiceRequest.FromString(last.read_bytes()).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def attributes(told: Any) -> dict[str, Any]:
    def value(any_value: Any) -> Any:
        kind = any_value.WhichOneof("value")
        found = getattr(any_value, kind)
        return [value(item) for item in found.values] if kind == "array_value" else found

    return {pair.key: value(pair.value) for pair in told.attributes}


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    folder = tmp_path / "collected"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.collector", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Collector(process.stdout.readline().strip(), folder)
    process.communicate(timeout=10)


def telling(tmp_path: Path, provider: FakeProvider, collector_url: str) -> GatewayProcess:
    config = configuration(provider.url, engine=any_engine())
    return GatewayProcess(tmp_path / "gateway", {**config, "telemetry": {"otlp": collector_url}}).start()


def test_a_collector_gets_spans_and_decisions_and_no_word_of_what_was_said(
    tmp_path: Path, provider: FakeProvider, collector: Collector
) -> None:
    gateway = telling(tmp_path, provider, collector.url)
    key = gateway.create_key("bot", "dana", group="default")
    headers = {
        "traceparent": f"00-{_TRACE}-{_SPAN}-00",
        "tracestate": "vendor=heron",
        "x-regate-session": "a session name of mine",
    }
    with httpx.Client(timeout=30) as http:
        said = body_of("openai", "echo", f"Tell the heron to write to {EMAIL}")
        masked = post(http, gateway, key, said, headers=headers)
        denied = post(http, gateway, key, body_of("openai", "echo", f"Keep {PEM}"))
        unknown = post(http, gateway, "rg_nobody", said)
    gateway.stop()
    assert (masked.status_code, denied.status_code, unknown.status_code) == (200, 403, 401)
    assert provider.only().header("traceparent") == headers["traceparent"]  # as the agent sent it

    roots = [span for span in collector.spans() if not span.name.startswith("decide")]
    first, second, third = roots
    assert first.trace_id.hex() == _TRACE
    assert first.parent_span_id.hex() == _SPAN
    assert first.name == "chat echo"
    told = attributes(first)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "echo"
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["regate.action"] == "mask"
    assert told["regate.decision_id"] == masked.headers["x-regate-decision-id"]
    assert told["regate.exchange_id"] == masked.headers["x-regate-exchange-id"]
    assert told["regate.agent"] == "bot"
    assert second.parent_span_id == b""
    assert attributes(second)["error.type"] == "policy_denied"
    assert attributes(third)["error.type"] == "unauthenticated"
    decided = [span for span in collector.spans() if span.name.startswith("decide")]
    assert {span.parent_span_id for span in decided} == {first.span_id, second.span_id}

    logs = {attributes(record)["regate.decision_id"]: record for record in collector.logs()}
    record = logs[denied.headers["x-regate-decision-id"]]
    assert record.event_name == "regate.decision"
    assert record.body.string_value == "request: deny"
    assert record.trace_id == second.trace_id
    assert attributes(record)["regate.entities"]
    assert attributes(record)["regate.rules"]

    metrics = collector.metrics()
    (took,) = metrics["gen_ai.client.inference.duration"]  # what was refused did not go up
    assert (took.count, took.explicit_bounds[0], len(took.explicit_bounds)) == (1, 0.01, 14)
    assert 0 < took.sum < 30
    assert attributes(took) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "echo",
        "regate.provider": attributes(first)["regate.provider"],
    }
    (tokens,) = metrics["gen_ai.client.inference.operation.input_tokens"]
    assert (tokens.count, tokens.sum) == (1, told["gen_ai.usage.input_tokens"])
    (spent,) = metrics["gen_ai.client.inference.usage.output_tokens"]
    assert spent.as_int == told["gen_ai.usage.output_tokens"]
    assert attributes(spent)["gen_ai.token.modality"] == "unknown"
    assert "gen_ai.client.inference.time_to_first_chunk" not in metrics

    for secret in (EMAIL, "heron", "BEGIN RSA", key, CREDENTIAL, "rg_nobody", "a session name of mine"):
        assert secret.encode() not in collector.raw()


@pytest.mark.parametrize("listening", [False, True])
def test_a_collector_that_is_dead_or_never_answers_changes_nothing_but_one_line_of_the_log(
    tmp_path: Path, provider: FakeProvider, listening: bool
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen(64)
        gateway = telling(tmp_path, provider, f"http://127.0.0.1:{silent.getsockname()[1]}")
        key = gateway.create_key("bot", "dana", group="default")
        with httpx.Client(timeout=30) as http:
            answers = [post(http, gateway, key, body_of("openai", "echo", "hello")) for _ in range(60)]
        assert {answer.status_code for answer in answers} == {200}
        code = gateway.stop()
    assert code == 0
    assert gateway.log().count("telemetry is lost") in ({0, 1} if listening else {1})
    assert "opentelemetry" not in gateway.log()
    assert "Traceback" not in gateway.log()
