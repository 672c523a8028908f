# METADATA
# title: Tests of budgets
package policy_tests.budgets

import data.policy_tests.fixtures
import data.regate

_used(agent) := object.union(fixtures.prompt, {"usage": {"agent": agent}})

_rules(document, budgets) := rules if {
	rules := {reason.rule | some reason in regate.decision.reasons} with input as document
		with data.settings.groups.default.budgets as budgets
}

test_no_limit_by_default if {
	regate.decision.action == "allow" with input as _used({"requests": {"1m": 1000000}, "tokens": {"1d": 1000000000}})
}

test_within_the_budget_is_allowed if {
	_rules(_used({"requests": {"1m": 60}}), {"requests_1m": 60}) == set()
}

test_spent_budget_is_denied if {
	every measure in ["requests", "tokens", "cost_micros"] {
		every window in ["1m", "1d"] {
			name := concat("_", [measure, window])
			_rules(_used({measure: {window: 61}}), {name: 60}) == {sprintf("budgets.%s", [name])}
		}
	}
}

test_budget_is_not_asked_about_a_completion if {
	document := object.union(fixtures.completion, {"usage": {"agent": {"tokens": {"1d": 61}}}})
	_rules(document, {"tokens_1d": 60}) == set()
}

test_mistaken_budget_is_denied if {
	every budgets in [{"request_1m": 60}, {"requests_1m": "60"}, {"requests_1m": null}, {"request_1m": -1}, {"requests_1m": 60.5}] {
		count(_rules(fixtures.prompt, budgets)) == 1
	}
}

test_budget_of_every_group_must_hold if {
	document := fixtures.in_groups(_used({"requests": {"1m": 61}}), ["small", "large"])
	groups := {
		"default": {"providers": ["*"], "models": ["*"], "budgets": {}},
		"small": {"budgets": {"requests_1m": 60}},
		"large": {"budgets": {"requests_1m": 600}},
	}
	regate.decision.action == "deny" with input as document with data.settings.groups as groups
}
