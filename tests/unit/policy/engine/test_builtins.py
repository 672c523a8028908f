"""Built-ins that no policy may use."""

import json

import pytest

from gateway.errors import PolicyUnavailable
from gateway.policy.engine.builtins import explained, offline, restricted

SAID = json.dumps(
    {"builtins": [{"name": "count"}, {"name": "http.send"}, {"name": "new.random", "nondeterministic": True}]}
)


def test_what_is_refused_and_what_opa_calls_nondeterministic_is_left_out() -> None:
    assert json.loads(restricted(SAID)) == {"builtins": [{"name": "count"}], "allow_net": []}


def test_offline_leaves_the_built_ins_and_takes_the_hosts() -> None:
    assert json.loads(offline(SAID)) == {**json.loads(SAID), "allow_net": []}


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"builtins": 1}'])
def test_what_is_no_list_of_capabilities_is_refused(said: str) -> None:
    with pytest.raises(PolicyUnavailable, match="without a list of its capabilities"):
        restricted(said)


def test_a_complaint_about_a_refused_built_in_has_the_reason() -> None:
    assert "(http.send: a decision must be repeatable" in explained("undefined function http.send")
    assert explained("undefined function f") == "undefined function f"
