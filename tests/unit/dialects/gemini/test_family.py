"""A refusal looks to Google's clients as one of Google's own, with our code as its reason."""

import pytest

from gateway.dialects import error_document


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("policy_denied", 403, "PERMISSION_DENIED"),
        ("invalid_request", 400, "INVALID_ARGUMENT"),
        ("upstream_timeout", 504, "DEADLINE_EXCEEDED"),
        ("overloaded", 503, "UNAVAILABLE"),
        ("internal_error", 500, "INTERNAL"),
    ],
)
def test_an_error_has_a_status_and_a_reason(code: str, status: int, name: str) -> None:
    error = error_document("gemini", code, "no", {"decision_id": "d1", "reasons": [], "status": 1})["error"]
    assert (error["code"], error["status"], error["message"]) == (status, name, "no")
    assert error["details"][0]["reason"] == code
    assert error["decision_id"] == "d1"
