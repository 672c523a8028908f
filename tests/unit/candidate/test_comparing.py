"""What counts as a difference between two decisions, and which ones a gate refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.candidate import Transition, compare, parse_fail_on
from gateway.contract.decision import ACTIONS, ApprovalTerms, Decision, Mask, Reason
from gateway.errors import ConfigError, PolicyError

MASK = (Mask("EMAIL_ADDRESS"),)


def test_a_candidate_that_fails_is_a_transition_of_its_own() -> None:
    assert compare(Decision("mask", mask=MASK), PolicyError("undefined")) == Transition("mask", "error")


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (Decision("allow", revision="a"), Decision("allow", revision="b"), ()),
        (Decision("allow"), Decision("allow", reasons=(Reason("r"),)), ("reasons",)),
        (Decision("mask", mask=MASK), Decision("mask", mask=(Mask("JWT"),)), ("mask",)),
        (Decision("deny", mask=MASK), Decision("deny"), ()),  # nothing is forwarded that could be masked
        (Decision("allow"), Decision("allow", approval=ApprovalTerms(quorum=2)), ()),  # nobody is asked
        (
            Decision("require_approval"),
            Decision("require_approval", approval=ApprovalTerms(quorum=2)),
            ("approval",),
        ),
        (Decision("allow"), Decision("allow", record="full", response="always"), ("record", "response")),
    ],
)
def test_within_one_action_what_matters_to_it_is_compared(
    before: Decision, after: Decision, changed: tuple[str, ...]
) -> None:
    transition = compare(before, after)
    assert transition == Transition(before.action, before.action, changed)
    assert transition.same == (not changed)


@pytest.mark.parametrize(
    ("gate", "refused", "passed"),
    [
        ("allow:deny", [("allow", "deny")], [("mask", "deny"), ("allow", "mask"), ("deny", "allow")]),
        ("any:error", [("allow", "error"), ("deny", "error")], [("allow", "deny")]),
        ("deny:any", [("deny", "allow"), ("deny", "error")], [("allow", "deny"), ("deny", "deny")]),
        ("any:any", [("deny", "allow"), ("mask", "error")], [("deny", "deny")]),
    ],
)
def test_a_gate_refuses_the_transitions_that_it_names(
    gate: str, refused: list[tuple[str, str]], passed: list[tuple[str, str]]
) -> None:
    (made,) = parse_fail_on(gate)
    assert all(made.refuses(Transition(*pair)) for pair in refused)
    assert not any(made.refuses(Transition(*pair)) for pair in passed)


def test_a_gate_of_one_action_twice_refuses_another_decision_with_that_action() -> None:
    (gate,) = parse_fail_on("mask:mask")
    assert gate.refuses(Transition("mask", "mask", ("mask",)))
    assert not gate.refuses(Transition("mask", "mask"))
    assert not gate.refuses(Transition("allow", "allow", ("reasons",)))


@pytest.mark.parametrize(
    "text", ["allow", "allow:", ":deny", "error:deny", "dney:allow", "allow:deny,", "a:b:c"]
)
def test_a_gate_that_names_no_transition_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--fail-on: found"):
        parse_fail_on(text)


@given(st.sampled_from(ACTIONS), st.sampled_from([*ACTIONS, "error"]))
def test_any_change_of_action_is_refused_by_a_gate_for_all(before: str, after: str) -> None:
    (gate,) = parse_fail_on("any:any")
    assert gate.refuses(Transition(before, after)) == (before != after)
