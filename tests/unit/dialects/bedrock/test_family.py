"""Refusals as AWS's SDKs read them."""

from __future__ import annotations

import json

import pytest

from gateway.dialects import error_document, error_event


@pytest.mark.parametrize(
    ("code", "name", "in_stream"),
    [
        ("policy_denied", "AccessDeniedException", "validationException"),
        ("invalid_request", "ValidationException", "validationException"),
        ("prompt_too_large", "ValidationException", "validationException"),
        ("overloaded", "ServiceUnavailableException", "serviceUnavailableException"),
        ("upstream_timeout", "ModelTimeoutException", "serviceUnavailableException"),
        ("internal_error", "InternalServerException", "serviceUnavailableException"),
    ],
)
def test_a_refusal_has_the_name_that_its_status_has_at_bedrock(code: str, name: str, in_stream: str) -> None:
    document = error_document("bedrock", code, "no", {"decision_id": "d"})
    assert document["__type"] == name
    assert document["message"] == "no"
    assert document["error"]["code"] == code
    event = error_event("bedrock", document)
    assert event.event == f"!{in_stream}"
    assert json.loads(event.data)["error"]["decision_id"] == "d"
