"""A decision is read strictly: what is not exactly the contract is a PolicyError, never a weaker action."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.decision import ACTIONS, Decision, parse_decision, to_document
from gateway.errors import PolicyError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
MASK = {
    "entity": "EMAIL_ADDRESS",
    "operator": "placeholder",
    "restore": True,
    "restore_to": ["text", "send_invoice.address"],
    "min_score": 0.5,
    "places": ["text"],
}


def test_only_the_action_is_required():
    decision = parse_decision({"action": "allow"}, "r1")
    assert decision == Decision(action="allow", revision="r1")
    assert decision.approval.wait_seconds == 60
    assert decision.record == "masked"
    assert decision.response == "findings"


def test_a_whole_decision_survives_the_round_trip():
    document = {
        "action": "require_approval",
        "reasons": [
            {"rule": "bulk", "title": "t", "message": "m", "severity": "high", "controls": ["SOC2:CC6.7"]}
        ],
        "warnings": [
            {
                "rule": "w",
                "title": "t",
                "message": "m",
                "severity": "low",
                "controls": [],
                "would": "deny",
                "waiver": "SEC-1",
            }
        ],
        "mask": [MASK],
        "approval": {
            "groups": ["security"],
            "quorum": 2,
            "all_of": [{"groups": ["dpo"], "count": 2}],
            "wait_seconds": 5.0,
            "expires_seconds": 60.0,
        },
        "record": "metadata",
        "response": "always",
        "retry_after": 7,
    }
    assert to_document(parse_decision(document, "r1")) == {**document, "revision": "r1"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "allow",
        {},
        {"action": "dney"},
        {"action": "ALLOW"},
        {"action": ["allow"]},
        {"action": None},
        {"acton": "deny"},
        {"action": "allow", "extra": 1},
        {"action": "allow", "revision": "forged"},
        {"action": "mask"},
        *(
            {"action": "mask", "mask": [{**MASK, **limits}]}
            for limits in (
                {"restore_to": "text"},
                {"restore_to": []},
                {"restore": False, "restore_to": ["text"]},
                *({"min_score": score} for score in (1.01, 85, -0.1, float("nan"), float("inf"), "0", True)),
                *(
                    {"places": places}
                    for places in (["texts"], "text", ["text", "text"], [None], {"text": 1})
                ),
            )
        ),
        {"action": "mask", "mask": []},
        {"action": "mask", "mask": [{"entity": "EMAIL_ADDRESS", "operator": "blur"}]},
        {"action": "mask", "mask": [{"operator": "redact"}]},
        {"action": "mask", "mask": [MASK, MASK]},
        {"action": "allow", "mask": "EMAIL_ADDRESS"},
        {"action": "allow", "reasons": [{"title": "no rule"}]},
        {"action": "allow", "reasons": [{"rule": "r", "severity": "mild"}]},
        {"action": "require_approval", "approval": {"quorum": 0}},
        {"action": "require_approval", "approval": {"grants": "day"}},
        {"action": "require_approval", "approval": {"all_of": [{"groups": ["dpo"], "count": 0}]}},
        {"action": "require_approval", "approval": {"all_of": [{"group": ["dpo"]}]}},
        {"action": "require_approval", "approval": {"all_of": [{}] * 9}},
        {"action": "deny", "retry_after": -1},
        {"action": "require_approval", "approval": {"quorum": "1"}},
        {"action": "require_approval", "approval": {"wait_seconds": -1}},
        {"action": "require_approval", "approval": {"expires_seconds": 0}},
        {"action": "allow", "record": "nothing"},
        {"action": "allow", "response": "never"},
    ],
)
def test_anything_else_is_a_policy_error(document):
    with pytest.raises(PolicyError):
        parse_decision(document, "r1")


@given(JSON)
def test_no_document_crashes_the_parser_or_yields_an_unknown_action(document):
    try:
        decision = parse_decision(document, "r1")
    except PolicyError:
        return
    assert decision.action in ACTIONS


@given(
    st.dictionaries(st.sampled_from(["action", "mask", "reasons", "approval", "record", "response"]), JSON)
)
def test_known_keys_with_wrong_values_are_refused(document):
    try:
        decision = parse_decision(document, "r1")
    except PolicyError:
        return
    assert document["action"] == decision.action
