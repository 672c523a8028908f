"""What a case that fails was decided instead: its place in the file, the difference, the rules that spoke.

With OPA, the rules that almost spoke as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cli.policy.almost import Almost
from cli.policy.cases import SAID, Case
from cli.rego_report import Outcome

Decisions = Mapping[str, Mapping[str, Any]]
"""By the name of the case. A case for which the policy is undefined, or cannot be evaluated, is missing."""

Silent = Callable[[str, Sequence[str]], Sequence[Almost]]
"""Return the rules that almost spoke in the query, those that should have spoken first."""

_TEST = ".test_case"
_MOST = 5  # cases that are traced: where more fail, these say why
_LATE = "did not end"  # what either engine says of a test that was stopped: it would not end now
# Evaluated as `cases_test.rego` does it.
DECIDED = """settings := object.union(data.settings, object.get(case, "settings", {}))
	document := data.policy_tests.cases._input(case)
	tables := object.get(case, "tables", data.policy_tests.cases.tables)
	decision := data.regate.decision with input as document with data.settings as settings
		with data.tables as tables"""
_ALL = f"""{{name: decision |
	some topic, cases in data.cases
	some title, case in cases
	name := concat(": ", [topic, title])
	name in {{%s}}
	{DECIDED}
}}"""
# One case, without a look at the others, which a trace would have a hundred thousand steps of.
_ONE = f"case := data.cases[%s][%s]\n\t{DECIDED}"


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
    decisions = decide(_ALL % ", ".join(map(json.dumps, failed)))
    near = {
        name: silent(_one(cases[name]), _wanted(cases[name], decisions.get(name))) for name in failed[:_MOST]
    }
    return [
        _explained(each, cases[each.case], decisions.get(each.case), near.get(each.case, ()))
        if each.case in failed
        else each
        for each in outcomes
    ]


def _one(case: Case) -> str:
    return _ONE % (json.dumps(case.topic), json.dumps(case.title))


def _wanted(case: Case, decision: Mapping[str, Any] | None) -> list[str]:
    """Return the rules that the case expects and that did not speak."""
    spoke = {*_named(decision or {}, "reasons"), *_named(decision or {}, "warnings")}
    return [name for key in SAID for name in case.about.get(key, []) if name not in spoke]


def _is_failed_case(outcome: Outcome) -> bool:
    return bool(outcome.error) and outcome.name.endswith(_TEST) and not outcome.error.startswith(_LATE)


def _explained(
    outcome: Outcome, case: Case, decision: Mapping[str, Any] | None, near: Sequence[Almost]
) -> Outcome:
    if decision is None:
        error = "the policy gives no decision"
    else:
        differences = list(_differences(case.about, decision))
        rules = ", ".join(_named(decision, "reasons")) or "none"
        warned = [f"rules that warned: {', '.join(_named(decision, 'warnings'))}"]
        error = "; ".join(
            [*differences, f"rules that spoke: {rules}", *(warned if decision.get("warnings") else [])]
        )
    error = "\n".join([error, *(f"almost: {each}" for each in near)])
    return replace(outcome, error=error, file=str(case.path), line=case.line)


def _differences(case: Mapping[str, Any], decision: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in case["decision"].items():
        if decision.get(name) != wanted:
            yield f"expected {name} {_short(wanted)}, found {_short(decision.get(name))}"
    for key, said in (("rules", "reasons"), ("warnings", "warnings")):
        if case.get(key, _named(decision, said)) != _named(decision, said):
            yield f"expected the {key} {_short(case[key])}"


def _named(decision: Mapping[str, Any], said: str) -> list[str]:
    return [str(each["rule"]) for each in decision.get(said, [])]


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
