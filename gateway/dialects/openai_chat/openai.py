"""The family `openai`: OpenAI and the many that imitate its API."""

from __future__ import annotations

from gateway.dialects.dialect import Family
from gateway.dialects.reading.stream import json_event

OPENAI = Family(
    name="openai",
    credential=lambda secret: {"authorization": f"Bearer {secret}"},
    request_headers=frozenset({"openai-beta"}),
    response_headers=frozenset({"openai-processing-ms", "openai-version", "x-ratelimit-", "x-request-id"}),
    error_document=lambda members: {"error": {"param": None, **members}},
    # clients of the Responses API go by the type, others by the key `error`
    error_event=lambda document: json_event({"type": "error", **document}),
)
