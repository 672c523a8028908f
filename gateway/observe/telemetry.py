"""OpenTelemetry, where wanted: a trace an exchange, a log a decision, metrics, no word of what was said.

Names follow the GenAI semantic conventions 0.1.0 where there is one, and begin with `regate.` elsewhere:
https://github.com/open-telemetry/semantic-conventions-genai/tree/v0.1.0/docs/gen-ai. A thread of the SDK
exports; what a slow or dead collector does not take is dropped from a bounded queue, and traffic goes on.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.observe.inference import (
    InferenceMeter,
    first_chunk_seconds,
    model_of,
    operation_of,
    provider_of,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from gateway.exchange import Decided, Exchange

_QUEUE = 2048  # spans, and as many logs
_TEXT = 256  # characters of an attribute
_EXPORT_SECONDS = 5.0
_CLOSE_SECONDS = 3.0
_FAILING_SECONDS = 60.0
_METRIC_MILLISECONDS = 15_000.0
_REASON = re.compile(r"[A-Za-z_]{1,32}")  # why a model stopped: a word of its API, and nothing else
_log = logging.getLogger("regate.telemetry")

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]


class Telemetry:
    """Tells of exchanges that are over."""

    def __init__(self, traces: TracerProvider, logs: LoggerProvider, metrics: MeterProvider) -> None:
        self._providers = (traces, logs, metrics)
        self._inference = InferenceMeter(metrics.get_meter("regate", __version__))
        self._tracer = traces.get_tracer("regate", __version__)
        self._logger = logs.get_logger("regate", __version__)

    def ended(self, exchange: Exchange) -> None:
        """Measure the exchange, queue its span, and for each time that policy was asked a child and a log."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        self._inference.ended(exchange)
        began = _nanoseconds(exchange)
        span = self._tracer.start_span(
            f"{operation_of(exchange)} {model_of(exchange)}".strip(),
            context=_caller(exchange),
            kind=SpanKind.SERVER,
            attributes=_exchange_attributes(exchange),
            start_time=began,
        )
        inside = set_span_in_context(span)
        for decided in exchange.recorded:
            attributes = _decision_attributes(exchange, decided)
            child = self._tracer.start_span(
                f"decide {decided.phase}", inside, attributes=attributes, start_time=decided.began
            )
            child.end(decided.ended)
            self._tell(decided, attributes, set_span_in_context(child))
        if exchange.outcome != "completed":
            span.set_attribute("error.type", exchange.outcome or "internal_error")
            span.set_status(Status(StatusCode.ERROR))
        span.end(began + int(exchange.elapsed_ms() * 1e6))

    def close(self) -> None:
        """Send what is queued, for three seconds at most."""
        closing = [
            threading.Thread(target=provider.shutdown, name="telemetry", daemon=True)
            for provider in self._providers
        ]
        for thread in closing:
            thread.start()
        end = time.monotonic() + _CLOSE_SECONDS
        for thread in closing:
            thread.join(max(0.0, end - time.monotonic()))

    def _tell(self, decided: Decided, attributes: Attributes, context: Context) -> None:
        from opentelemetry._logs import SeverityNumber

        grave = decided.decision.action in ("deny", "require_approval")
        self._logger.emit(
            timestamp=decided.ended,
            observed_timestamp=decided.ended,
            context=context,
            severity_number=SeverityNumber.WARN if grave else SeverityNumber.INFO,
            severity_text="WARN" if grave else "INFO",
            body=f"{decided.phase}: {decided.decision.action}",
            attributes=attributes,
            event_name="regate.decision",
        )


def open_telemetry(config: Config) -> Telemetry | None:
    """Set up what `telemetry.otlp` asks for; None when it is empty. ConfigError without the extra `otel`."""
    if not config.telemetry.otlp:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    except ImportError as error:
        raise ConfigError("telemetry.otlp: it needs the extra otel: pip install 'regate[otel]'") from error
    _hush(config.telemetry.otlp)
    base = config.telemetry.otlp.rstrip("/")
    instance = {"service.instance.id": str(uuid.uuid4())}  # each worker counts for itself
    resource = Resource.create({"service.name": "regate", "service.version": __version__, **instance})
    traces = TracerProvider(
        sampler=ALWAYS_ON,  # an agent does not choose whether it is seen
        resource=resource,
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_attribute_length=_TEXT),
    )
    spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=_EXPORT_SECONDS)
    traces.add_span_processor(BatchSpanProcessor(spans, max_queue_size=_QUEUE, schedule_delay_millis=1000))
    limits = LogRecordLimits(max_attribute_length=_TEXT)
    logs = LoggerProvider(resource, shutdown_on_exit=False, log_record_limits=limits)
    lines = OTLPLogExporter(f"{base}/v1/logs", timeout=_EXPORT_SECONDS)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(lines, max_queue_size=_QUEUE, schedule_delay_millis=1000)
    )
    measures = OTLPMetricExporter(f"{base}/v1/metrics", timeout=_EXPORT_SECONDS)
    reader = PeriodicExportingMetricReader(measures, _METRIC_MILLISECONDS)
    return Telemetry(traces, logs, MeterProvider([reader], resource, shutdown_on_exit=False))


class _Complaints(logging.Handler):
    """The SDK's complaints as one line of ours a minute: theirs come with every batch and every span."""

    def __init__(self, collector: str) -> None:
        super().__init__(logging.WARNING)
        self._collector = collector
        self._said = -_FAILING_SECONDS

    def emit(self, _: logging.LogRecord) -> None:
        if time.monotonic() - self._said >= _FAILING_SECONDS:
            self._said = time.monotonic()
            _log.warning("telemetry is lost: %s does not take it, or not so much", self._collector)


def _hush(collector: str) -> None:
    sdk = logging.getLogger("opentelemetry")
    sdk.handlers, sdk.propagate = [_Complaints(collector)], False


def _caller(exchange: Exchange) -> Context:
    """Return the caller's span as the parent, without its `tracestate`, which is not to be trusted."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = exchange.call.headers.get("traceparent", "")
    return TraceContextTextMapPropagator().extract({"traceparent": parent}, context=Context())


def _exchange_attributes(exchange: Exchange) -> Attributes:
    usage = exchange.usage_spent
    found: dict[str, str | bool | int | float | tuple[str, ...]] = {
        "gen_ai.operation.name": operation_of(exchange),
        "gen_ai.provider.name": provider_of(exchange),
        "gen_ai.request.model": model_of(exchange),
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_written_tokens,
        "gen_ai.conversation.id": exchange.session_id,
        "regate.exchange_id": exchange.id,
        "regate.provider": exchange.provider,
        "regate.agent": exchange.agent.id,
        "regate.decision_id": exchange.decision_id,
        "regate.action": exchange.action,
        "regate.revision": exchange.revision,
        "regate.approval_id": exchange.approval_id,
        "regate.enforced": exchange.enforced,
    }
    if exchange.prompt.stream:
        found["gen_ai.request.stream"] = True
    if (first := first_chunk_seconds(exchange)) is not None:
        found["gen_ai.response.time_to_first_chunk"] = first
    if _REASON.fullmatch(reason := exchange.completion.finish_reason):
        found["gen_ai.response.finish_reasons"] = (reason,)
    return {name: value for name, value in found.items() if value not in ("", -1)}


def _decision_attributes(exchange: Exchange, decided: Decided) -> Attributes:
    return {
        "regate.exchange_id": exchange.id,
        "regate.agent": exchange.agent.id,
        "regate.decision_id": decided.id,
        "regate.phase": decided.phase,
        "regate.action": decided.decision.action,
        "regate.enforced": exchange.enforced,
        "regate.revision": decided.decision.revision,
        "regate.rules": tuple(reason.rule for reason in decided.decision.reasons),
        "regate.entities": decided.entities,
    }


def _nanoseconds(exchange: Exchange) -> int:
    return int(exchange.started.timestamp() * 1e9)
