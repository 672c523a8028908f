"""The family `anthropic`: Anthropic, and gateways that speak its API."""

from __future__ import annotations

from gateway.dialects.dialect import Family
from gateway.dialects.reading.stream import json_event

ANTHROPIC = Family(
    name="anthropic",
    credential=lambda secret: {"x-api-key": secret},
    request_headers=frozenset({"anthropic-beta", "anthropic-version"}),
    response_headers=frozenset({"anthropic-ratelimit-", "request-id"}),
    error_document=lambda members: {"type": "error", "error": members},
    error_event=lambda document: json_event(document, "error"),
)
