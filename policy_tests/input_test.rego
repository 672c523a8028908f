# METADATA
# title: Tests of inputs of other types
package policy_tests.input

import data.policy_tests.fixtures
import data.regate
import data.regate.lib.input as shape

_call := {"name": "search", "arguments": {}, "restores": [], "origins": []}

test_what_the_gateway_makes_is_not_broken if {
	shape.broken == false with input as fixtures.prompt
	shape.broken == false with input as object.union(fixtures.completion, {"tool_calls": [_call]})
}

test_keys_that_are_missing_break_nothing if {
	every key in object.keys(fixtures.prompt) {
		shape.broken == false with input as object.remove(fixtures.prompt, [key])
	}
	shape.broken == false with input as object.union(fixtures.prompt, {"tool_calls": [object.remove(_call, ["name"])]})
}

test_values_of_another_type_are_broken if {
	every key in [
		"agent", "approval", "dialect", "findings", "method", "model", "models", "path", "phase", "prompt",
		"provider", "provider_labels", "session", "time", "tool_calls", "tools", "usage",
	] {
		shape.broken with input as object.union(object.remove(fixtures.prompt, [key]), {key: 1})
	}
}

test_what_is_in_them_has_its_type_as_well if {
	every changes in [
		{"models": [1]}, {"provider_labels": {"region": 1}},
		{"findings": ["x"]}, {"tool_calls": ["x"]}, {"tools": [["x"]]},
		{"tool_calls": [object.union(_call, {"name": 1})]},
		{"agent": {"groups": "admins"}}, {"agent": {"groups": [1]}},
	] {
		shape.broken with input as object.union(fixtures.prompt, changes)
	}
}

test_a_broken_input_is_denied_whatever_the_rules_say if {
	allowing := {"allowing": {"verdicts": {{
		"action": "allow", "rule": "test.rule", "title": "Test", "message": "a test",
		"severity": "low", "controls": [],
	}}}}
	decision := regate.decision with data.regate.rules as allowing
		with input as object.union(fixtures.prompt, {"model": {}})
	decision.action == "deny"
	decision.reasons[0].rule == "regate.broken_input"
	decision.reasons[0].severity == "critical"
}
