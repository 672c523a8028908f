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

_warned(document, budgets) := rules if {
	rules := {warning.rule | some warning in regate.decision.warnings} with input as document
		with data.settings.groups.default.budgets as budgets
}

_retry_after(document, budgets) := seconds if {
	seconds := regate.decision.retry_after with input as document
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
		every window in ["1m", "1d", "1mo", "day", "month"] {
			name := concat("_", [measure, window])
			_rules(_used({measure: {window: 61}}), {name: 60}) == {sprintf("budgets.%s", [name])}
		}
	}
}

test_budget_is_not_asked_about_a_completion if {
	document := object.union(fixtures.completion, {"usage": {"agent": {"tokens": {"1d": 61}}}})
	_rules(document, {"tokens_1d": 60}) == set()
	_warned(document, {"tokens_1d": 61, "warn_at": 0.5}) == set()
}

test_mistaken_budget_is_denied if {
	every budgets in [
		{"request_1m": 60}, {"requests_1m": "60"}, {"requests_1m": null}, {"request_1m": -1}, {"requests_1m": 60.5},
		{"requests_1w": 60}, {"person": {"1m": 60}}, {"requests_1m": true},
	] {
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

test_person_and_team_have_budgets_of_their_own if {
	every scope in ["person", "team"] {
		document := object.union(fixtures.prompt, {"usage": {scope: {"tokens": {"month": 61}}}})
		rule := sprintf("budgets.%s.tokens_month", [scope])
		_rules(document, {scope: {"tokens_month": 60}}) == {rule}
		_rules(document, {"tokens_month": 60}) == set()
		_warned(document, {scope: {"tokens_month": 62, "warn_at": 0.9}}) == {sprintf("budgets.near.%s.tokens_month", [scope])}
	}
}

_of_team(groups, budgets) := rules if {
	used := object.union(fixtures.prompt, {"usage": {"team": {"requests": {"1d": 61}}}})
	shared := {"providers": ["*"], "models": ["*"], "budgets": {"team": {"requests_1d": 600}}}
	rules := {reason.message | some reason in regate.decision.reasons} with input as fixtures.in_groups(used, groups)
		with data.settings.groups as {"default": shared, "small": {"budgets": budgets}, "large": {}}
}

test_only_the_first_group_is_the_team if {
	_of_team(["small", "large"], {"team": {"requests_1d": 60}}) == {"the budget team.requests_1d of team small is spent"}
	_of_team(["large", "small"], {"team": {"requests_1d": 60}}) == set()
}

test_team_without_a_budget_of_its_own_has_the_shared_one if {
	document := object.union(fixtures.prompt, {"usage": {"team": {"requests": {"1d": 61}}}})
	every groups in [[], ["unheard-of"]] {
		_rules(fixtures.in_groups(document, groups), {"team": {"requests_1d": 60}}) == {"budgets.team.requests_1d"}
	}
}

test_single_agent_has_a_budget if {
	document := _used({"requests": {"1m": 61}})
	agents := {document.agent.id: {"budgets": {"requests_1m": 60}}, "another": {"budgets": {"requests_1m": 1}}}
	regate.decision.reasons[0].message == sprintf("the budget requests_1m of agent %s is spent", [document.agent.id]) with input as document
		with data.settings.agents as agents
	regate.decision.action == "allow" with input as document with data.settings.agents as object.remove(agents, [document.agent.id])
}

test_single_person_has_a_budget if {
	document := object.union(fixtures.prompt, {
		"agent": {"owner": "Dana", "on_behalf_of": ""},
		"usage": {"person": {"requests": {"1m": 61}}},
	})
	for_kim := object.union(document, {"agent": {"on_behalf_of": "kim"}})
	people := {"dana": {"budgets": {"requests_1m": 60}}}
	regate.decision.action == "deny" with input as document with data.settings.people as people
	regate.decision.action == "allow" with input as for_kim with data.settings.people as people
	regate.decision.action == "deny" with input as for_kim with data.settings.people as {"Kim": people.dana}
	counted := object.union(for_kim, {"agent": {"on_behalf_of": "ＫＩＭ", "person": "kim"}})
	regate.decision.action == "deny" with input as counted with data.settings.people as {"Kim": people.dana}
}

test_budget_that_is_nearly_spent_warns if {
	budgets := {"requests_1m": 60, "warn_at": 0.8}
	_warned(_used({"requests": {"1m": 47}}), budgets) == set()
	_warned(_used({"requests": {"1m": 48}}), budgets) == {"budgets.near.requests_1m"}
	_warned(_used({"requests": {"1m": 60}}), budgets) == {"budgets.near.requests_1m"}
	_warned(_used({"requests": {"1m": 61}}), budgets) == set()
	_rules(_used({"requests": {"1m": 48}}), budgets) == set()
}

test_budgets_without_a_limit_warn_of_nothing if {
	_warned(_used({"requests": {"1m": 48}}), {"requests_1m": -1, "warn_at": 0.8}) == set()
	_warned(_used({"requests": {"1m": 0}}), {"requests_1m": 0, "warn_at": 0.8}) == set()
	_warned(_used({"requests": {"1m": 48}}), {"requests_1m": 60}) == set()
}

test_refusal_says_when_the_last_window_turns if {
	document := _used({"requests": {"1m": 61, "day": 61}})
	_retry_after(document, {"requests_1m": 60}) == 60
	_retry_after(document, {"requests_1m": 60, "requests_day": 60}) == 7200
	_retry_after(document, {"requests_1m": 61}) == 0
}

test_refusal_that_time_does_not_end_says_nothing if {
	document := object.union(_used({"requests": {"1m": 61}}), {"dialect": "opaque"})
	_retry_after(document, {"requests_1m": 60}) == 0
	_retry_after(_used({"requests": {"1m": 61}}), {"requests_1m": 0}) == 0
	_retry_after(fixtures.prompt, {"request_1m": 60}) == 0
}
