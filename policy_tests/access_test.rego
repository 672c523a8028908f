# METADATA
# title: Tests of access
package policy_tests.access

import data.policy_tests.fixtures
import data.regate

_rules(document) := rules if {
	rules := {reason.rule | some reason in regate.decision.reasons} with input as document
}

test_known_agent_is_allowed if {
	regate.decision.action == "allow" with input as fixtures.prompt
}

test_unknown_agent_is_denied_in_both_phases if {
	every document in [fixtures.prompt, fixtures.completion] {
		"access.unknown_agent" in _rules(object.union(document, {"agent": {"id": ""}}))
	}
}

test_unknown_phase_is_denied if {
	regate.decision.action == "deny" with input as object.union(fixtures.prompt, {"phase": "reqest"})
}

_research := {"providers": ["anthropic"], "models": ["claude-*"]}

_asking(groups, provider, model) := object.union(
	fixtures.in_groups(fixtures.prompt, groups),
	{"provider": provider, "model": model},
)

test_default_group_may_use_everything if {
	_rules(_asking(["default"], "anthropic", "claude-5.1")) == set()
}

test_group_unknown_to_the_settings_has_the_default if {
	_rules(_asking(["finance"], "anthropic", "claude-5.1")) == set()
}

test_provider_of_the_group_is_allowed if {
	_rules(_asking(["research"], "anthropic", "claude-5.1")) == set() with data.settings.groups.research as _research
}

test_provider_not_of_the_group_is_denied if {
	_rules(_asking(["research"], "openai", "claude-5.1")) == {"access.provider"} with data.settings.groups.research as _research
}

test_model_not_on_the_list_is_denied if {
	_rules(_asking(["research"], "anthropic", "gpt-4.1")) == {"access.model"} with data.settings.groups.research as _research
}

test_missing_model_is_not_on_a_list if {
	_rules(_asking(["research"], "anthropic", "")) == {"access.model"} with data.settings.groups.research as _research
}

test_any_group_permits if {
	_rules(_asking(["research", "default"], "openai", "gpt-4.1")) == set() with data.settings.groups.research as _research
}

test_group_inherits_what_it_does_not_say if {
	_rules(_asking(["research"], "openai", "gpt-4.1")) == set() with data.settings.groups.research as {"budgets": {}}
}

_stored(change) := object.union_n([
	_asking(["research"], "anthropic", ""),
	{"dialect": "openai.responses"},
	change,
])

test_an_answer_that_is_stored_has_its_model if {
	every change in [
		{"method": "GET", "path": "/v1/responses/resp_a"},
		{"method": "DELETE", "path": "/v1/responses/resp_a"},
		{"method": "POST", "path": "/v1/responses/resp_a/cancel"},
		{"dialect": "openai.chat", "method": "GET", "path": "/v1/chat/completions/chat_a"},
		{"dialect": "openai.files", "method": "DELETE", "path": "/v1/files/file_a"},
		{"dialect": "anthropic.files", "method": "GET", "path": "/v1/files/file_a/content"},
		{"dialect": "anthropic.batches", "method": "GET", "path": "/v1/messages/batches/b/results"},
		{"dialect": "openai.batches", "method": "POST", "path": "/v1/batches/b/cancel"},
		{"dialect": "openai.files", "method": "POST", "path": "/v1/files"},
		{"dialect": "anthropic.files", "method": "POST", "path": "/v1/files"},
		{"dialect": "openai.chat", "method": "POST", "path": "/v1/chat/completions/chat_a"},
	] {
		_rules(_stored(change)) == set() with data.settings.groups.research as _research
	}
	every change in [
		{"method": "POST", "path": "/v1/responses"},
		{"method": "POST", "path": "/v1/responses/compact"},
		{"dialect": "openai.files", "method": "POST", "path": "/v1/files", "models": ["gpt-4.1"]},
		{"dialect": "openai.batches", "method": "POST", "path": "/v1/batches"},
		{"dialect": "openai.chat", "method": "POST", "path": "/v1/chat/completions"},
		{"dialect": "openai.chat", "method": "POST", "path": "/v1/chat/completions/x", "models": ["o9"]},
		{"dialect": "openai.chat", "method": "GET", "path": "/v1/responses/resp_a"},
		{"dialect": "openai.chat", "method": "POST", "path": "/v1/responses/resp_a/cancel"},
	] {
		_rules(_stored(change)) == {"access.model"} with data.settings.groups.research as _research
	}
	upload := _stored({"dialect": "openai.uploads", "path": "/v1/uploads/u/complete"})
	_rules(upload) == {"endpoints.unknown"} with data.settings.groups.research as _research
}

test_completion_is_not_asked_about_the_model_again if {
	document := object.union(fixtures.in_groups(fixtures.completion, ["research"]), {"provider": "openai"})
	_rules(document) == set() with data.settings.groups.research as _research
}
