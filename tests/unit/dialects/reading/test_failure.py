"""The members of a refusal."""

from gateway.dialects.reading.failure import error_members


def test_a_refusal_has_its_code_and_a_type_that_sdks_know() -> None:
    members = error_members("policy_denied", "no", {"code": "x", "message": "y", "reasons": []})
    assert members == {"reasons": [], "code": "policy_denied", "message": "no", "type": "permission_error"}
    assert error_members("odd", "no", {})["type"] == "api_error"
