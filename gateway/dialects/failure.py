"""Regate's own refusals in the shape that each provider's clients expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.document import serialise
from gateway.dialects.sse import SseEvent
from gateway.words import Family

# The names of https://platform.claude.com/docs/en/api/errors; OpenAI's clients go by status and `code`.
_TYPES: Mapping[str, str] = {
    "invalid_request": "invalid_request_error",
    "unauthenticated": "authentication_error",
    "prompt_too_large": "request_too_large",
    "upstream_timeout": "timeout_error",
    **dict.fromkeys(
        ("policy_denied", "approval_required", "approval_denied", "approval_expired"), "permission_error"
    ),
}


def error_document(family: Family, code: str, message: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a refusal; `extra` (decision_id, reasons, approval_id) goes inside its `error` object."""
    error: dict[str, Any] = {**extra, "message": message, "type": _TYPES.get(code, "api_error"), "code": code}
    if family == "anthropic":
        return {"type": "error", "error": error}
    return {"error": {"param": None, **error}}


def error_event(family: Family, document: Mapping[str, Any]) -> SseEvent:
    """The event that ends a stream with `document`, as both SDKs raise it."""
    data = serialise(document).decode()
    return SseEvent(data, "error") if family == "anthropic" else SseEvent(data)
