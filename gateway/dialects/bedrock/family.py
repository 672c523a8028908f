"""The family `bedrock`: the runtime of Amazon Bedrock, under an API key or a signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.bedrock.frames import exception
from gateway.dialects.dialect import Family
from gateway.dialects.reading.failure import status_of
from gateway.dialects.reading.sse import SseEvent

# The exceptions of https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
_NAMES: Mapping[int, str] = {
    **dict.fromkeys((400, 413, 426), "ValidationException"),
    **dict.fromkeys((401, 403), "AccessDeniedException"),
    **dict.fromkeys((502, 503), "ServiceUnavailableException"),
    504: "ModelTimeoutException",
}


def error_document(members: dict[str, Any]) -> dict[str, Any]:
    """Return an error as AWS's SDKs read it: they go by `__type`, and show the message."""
    name = _NAMES.get(status_of(members["code"]), "InternalServerException")
    return {"__type": name, "message": members["message"], "error": members}


def error_event(document: Mapping[str, Any]) -> SseEvent:
    """Return the exception that ends a stream. Of ours the SDKs know two there."""
    is_ours = document["__type"] in ("ValidationException", "AccessDeniedException")
    return exception("validationException" if is_ours else "serviceUnavailableException", document)


BEDROCK = Family(
    name="bedrock",
    credential=lambda secret: {"authorization": f"Bearer {secret}"},
    request_headers=frozenset(
        f"x-amzn-bedrock-{name}"
        for name in (
            *("accept", "trace", "guardrailidentifier", "guardrailversion", "performanceconfig-latency"),
            *("service-tier", "request-metadata", "projectidentifier"),
        )
    ),
    response_headers=frozenset({"x-amzn-bedrock-", "x-amzn-requestid", "x-amzn-errortype"}),
    error_document=error_document,
    error_event=error_event,
    body_type="application/json",
)
