"""Batches as OpenTelemetry's logs, in Protobuf over HTTP; what is shipped of a record is the body, as text.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. It needs the extra `otel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.audit.shipping.http import Encoding
from gateway.audit.shipping.messages import Message
from gateway.audit.shipping.receiver import NotTaken

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord


def logs_encoding() -> Encoding:
    """Return how logs are written. Raises NotTaken without the extra `otel`."""
    try:
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2  # noqa: F401 - to see that it is there
    except ImportError as error:
        raise NotTaken("otlp needs the extra otel: pip install 'regate[otel]'") from error
    return Encoding({"content-type": "application/x-protobuf"}, _logs, _check)


def _logs(messages: Sequence[Message]) -> bytes:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    said = {"service.name": "regate", "service.version": __version__}
    resource.resource.attributes.extend(_attributes(said))
    scope = resource.scope_logs.add()
    scope.scope.name, scope.scope.version = "regate.audit", __version__
    scope.log_records.extend(_log(message) for message in messages)
    written: bytes = request.SerializeToString()
    return written


def _log(message: Message) -> LogRecord:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

    moment = int(datetime.fromisoformat(message.recorded_at).timestamp() * 1e6) * 1000
    warn, info = SeverityNumber.SEVERITY_NUMBER_WARN, SeverityNumber.SEVERITY_NUMBER_INFO
    record = LogRecord(
        time_unix_nano=moment,
        observed_time_unix_nano=moment,
        severity_number=warn if message.grave else info,
        severity_text="WARN" if message.grave else "INFO",
        event_name="regate.record",
    )
    record.body.string_value = message.body.decode()
    said = {
        "regate.record": message.uid,
        "regate.kind": message.kind,
        "regate.exchange_id": message.exchange_id,
    }
    record.attributes.extend(_attributes(said))
    return record


def _attributes(said: dict[str, str]) -> list[KeyValue]:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

    return [KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in said.items() if text]


def _check(answer: bytes, count: int) -> None:
    """Raise NotTaken when the collector took a part only: it says so with 200."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it comes without types
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    try:
        told = ExportLogsServiceResponse.FromString(answer).partial_success
    except DecodeError as error:
        raise NotTaken("its answer is not one of an OTLP collector") from error
    if told.rejected_log_records:
        why = f"{told.rejected_log_records} of {count} were rejected: {told.error_message}"
        raise NotTaken(why, too_much=True)
