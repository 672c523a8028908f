"""Refusals are errors of JSON-RPC."""

from gateway.dialects.mcp.family import error_document


def test_programs_find_all_of_a_refusal_in_its_data() -> None:
    members = {"code": "policy_denied", "message": "denied", "type": "permission_error", "decision_id": "d"}
    document = error_document(members)
    assert document["error"] == {
        "code": -32010,
        "message": "denied",
        "data": {"code": "policy_denied", "type": "permission_error", "decision_id": "d"},
    }


def test_a_header_that_contradicts_its_body_has_the_code_of_the_specification() -> None:
    document = error_document({"code": "invalid_request", "message": "", "type": "", "rpc_code": -32020})
    assert (document["error"]["code"], document["error"]["data"]) == (
        -32020,
        {"code": "invalid_request", "type": ""},
    )
