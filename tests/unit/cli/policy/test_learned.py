"""What was used and allowed is learned, by group; what was denied is not."""

from __future__ import annotations

from typing import Any

from cli.policy.learned import learn_from
from gateway.audit.reading import RecordedDecision

WAIVED = {"rule": "access.model", "waiver": "SEC-1", "would": "deny"}


def decided(number: int, action: str = "allow", **changes: Any) -> RecordedDecision:
    document = {
        "agent": {"groups": changes.pop("groups", ["support"])},
        "provider": "openai",
        "model": "gpt-4.1",
        "models": ["gpt-4.1"],
        "findings": [],
        "tool_calls": [],
        **changes.pop("input", {}),
    }
    decision = {"reasons": [], "warnings": [], **changes}
    return RecordedDecision(exchange_id=f"ex_{number}", action=action, input=document, decision=decision)


def test_what_each_group_used_is_counted_with_its_exchanges() -> None:
    found = learn_from(
        [
            *(decided(number) for number in range(5)),
            decided(5, groups=[], input={"model": "o3", "models": []}),
            decided(6, "mask", input={"findings": [{"entity": "US_SSN"}], "tool_calls": [{"name": "find"}]}),
        ]
    )
    support = found.groups["support"]
    assert (support.models["gpt-4.1"].count, support.models["gpt-4.1"].exchanges) == (
        6,
        ["ex_0", "ex_1", "ex_2"],
    )
    assert (support.tools["find"].exchanges, support.entities["US_SSN"].exchanges) == (["ex_6"], ["ex_6"])
    assert found.groups["default"].models.keys() == {"o3"}


def test_denied_requests_and_lost_content_teach_nothing() -> None:
    found = learn_from([decided(1, "deny"), RecordedDecision(lost="erased")])
    assert (found.groups, found.decisions, found.lost) == ({}, 1, 1)


def test_a_rule_that_was_always_waived_is_told_and_one_that_also_denied_is_not() -> None:
    waived = decided(1, warnings=[WAIVED])
    assert learn_from([waived]).waived[("access.model", "SEC-1")].exchanges == ["ex_1"]
    assert learn_from([waived, decided(2, "deny", reasons=[{"rule": "access.model"}])]).waived == {}


def test_names_without_end_are_not_kept() -> None:
    found = learn_from(decided(n, input={"model": f"m{n}", "models": ["x" * 5_000]}) for n in range(500))
    assert len(found.groups["support"].models) == 200
