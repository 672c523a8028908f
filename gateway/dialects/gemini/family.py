"""The family `gemini`: the Gemini API, and Vertex AI where a credential is all that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.dialect import Family
from gateway.dialects.reading.failure import status_of
from gateway.dialects.reading.stream import json_event

# Names of https://cloud.google.com/apis/design/errors; clients show them, and go by the status of HTTP.
_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    504: "DEADLINE_EXCEEDED",
}


def error_document(members: dict[str, Any]) -> dict[str, Any]:
    """Return an error as Google's clients read it: `code` is a status there, so the reason has our code."""
    code = members["code"]
    status = status_of(code)
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": "regate"}
    rest = {key: value for key, value in members.items() if key not in ("code", "type", "status", "details")}
    return {"error": {**rest, "code": status, "status": _NAMES.get(status, "UNAVAILABLE"), "details": [info]}}


GEMINI = Family(
    name="gemini",
    credential=lambda secret: {"x-goog-api-key": secret},
    request_headers=frozenset({"x-goog-user-project"}),
    response_headers=frozenset({"server-timing"}),
    error_document=error_document,
    error_event=json_event,
)
