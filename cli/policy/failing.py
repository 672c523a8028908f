"""What a case that fails was decided instead: its place in the file, the difference, the rules that spoke.

With OPA, the rules that almost spoke as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cli.policy.almost import Almost
from cli.policy.cases import Case
from cli.rego_report import Outcome

Decisions = Mapping[str, Mapping[str, Any]]
"""By the name of the case. A case for which the policy is undefined, or cannot be evaluated, is missing."""

Silent = Callable[[str, Sequence[str]], Sequence[Almost]]
"""Return the rules that almost spoke in the query, those that should have spoken first."""

_TEST = ".test_case"
_MOST = 10  # cases that are traced: where more fail, these say why
_LATE = "did not end"  # what either engine says of a test that was stopped: it would not end now
# Evaluated as `cases_test.rego` does it, for the names in %s.
QUERY = """{name: decision |
	some topic, cases in data.cases
	some title, case in cases
	name := concat(": ", [topic, title])
	name in {%s}
	settings := object.union(data.settings, object.get(case, "settings", {}))
	document := data.policy_tests.cases._input(case)
	tables := object.get(case, "tables", {})
	decision := data.regate.decision with input as document with data.settings as settings
		with data.tables as tables
}"""


def explained(
    outcomes: Sequence[Outcome],
    cases: Mapping[str, Case],
    decide: Callable[[str], Decisions],
    silent: Silent,
) -> list[Outcome]:
    """Put place, difference and rules into the outcomes of cases that failed."""
    failed = [each.case for each in outcomes if _is_failed_case(each) and each.case in cases]
    if not failed:
        return list(outcomes)
    decisions = decide(_query(failed))
    near = {
        name: silent(_query([name]), _wanted(cases[name], decisions.get(name))) for name in failed[:_MOST]
    }
    return [
        _explained(each, cases[each.case], decisions.get(each.case), near.get(each.case, ()))
        if each.case in failed
        else each
        for each in outcomes
    ]


def _query(names: Sequence[str]) -> str:
    return QUERY % ", ".join(map(json.dumps, names))


def _wanted(case: Case, decision: Mapping[str, Any] | None) -> list[str]:
    """Return the rules that the case expects and that did not speak."""
    spoke = {reason["rule"] for reason in (decision or {}).get("reasons", [])}
    return [name for name in case.about.get("rules", []) if name not in spoke]


def _is_failed_case(outcome: Outcome) -> bool:
    return bool(outcome.error) and outcome.name.endswith(_TEST) and not outcome.error.startswith(_LATE)


def _explained(
    outcome: Outcome, case: Case, decision: Mapping[str, Any] | None, near: Sequence[Almost]
) -> Outcome:
    if decision is None:
        error = "the policy gives no decision"
    else:
        differences = list(_differences(case.about, decision))
        rules = ", ".join(reason["rule"] for reason in decision.get("reasons", [])) or "none"
        error = "; ".join([*differences, f"rules that spoke: {rules}"])
    error = "\n".join([error, *(f"almost: {each}" for each in near)])
    return replace(outcome, error=error, file=str(case.path), line=case.line)


def _differences(case: Mapping[str, Any], decision: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in case["decision"].items():
        if decision.get(name) != wanted:
            yield f"expected {name} {_short(wanted)}, found {_short(decision.get(name))}"
    spoke = [reason["rule"] for reason in decision.get("reasons", [])]
    if case.get("rules", spoke) != spoke:
        yield f"expected the rules {_short(case['rules'])}"


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
