# METADATA
# title: Tests of prompt injection
package policy_tests.injection

import data.policy_tests.fixtures
import data.regate

_row(role, kind, new) := object.union(
	fixtures.row("PROMPT_INJECTION", "injection"),
	{"roles": [role], "kinds": [kind], "new": new},
)

_action(document, row) := action if {
	action := regate.decision.action with input as fixtures.with_rows(document, [row])
}

test_new_phrase_is_held_where_others_write if {
	every place in [["tool", "tool_result"], ["user", "tool_result"], ["user", "field"], ["", "field"]] {
		_action(fixtures.prompt, _row(place[0], place[1], 1)) == "require_approval"
	}
}

test_phrase_passes_in_the_words_of_the_operator_the_user_and_the_model if {
	every place in [["system", "system"], ["user", "text"], ["assistant", "text"], ["", "tool_definition"]] {
		_action(fixtures.prompt, _row(place[0], place[1], 1)) == "allow"
	}
}

test_phrase_in_a_trusted_and_another_place_is_held if {
	row := object.union(_row("", "", 1), {"roles": ["tool", "user"], "kinds": ["text", "tool_result"]})
	_action(fixtures.prompt, row) == "require_approval"
}

test_phrase_in_trusted_words_is_not_held_for_another_finding_elsewhere if {
	address := object.union(fixtures.row("EMAIL_ADDRESS", "pii"), {"roles": ["tool"], "kinds": ["tool_result"], "new": 1})
	rows := [_row("user", "text", 1), address]
	decision := regate.decision with input as fixtures.with_rows(fixtures.prompt, rows)
	decision.action == "mask"
}

test_user_who_is_not_trusted_is_held if {
	trust := {"trusted_kinds": ["system"], "trusted_roles": ["assistant"]}
	_action(fixtures.prompt, _row("user", "text", 1)) == "require_approval" with data.settings.injection as trust
}

test_phrase_in_no_place_is_held if {
	row := object.union(_row("", "", 1), {"roles": [], "kinds": []})
	_action(fixtures.prompt, row) == "require_approval"
}

test_phrase_of_history_is_not_held_again if {
	_action(fixtures.prompt, _row("tool", "tool_result", 0)) == "allow"
}

test_approved_phrase_passes if {
	_action(fixtures.approved(fixtures.prompt), _row("tool", "tool_result", 1)) == "allow"
}

test_denied_approval_is_none if {
	document := object.union(fixtures.prompt, {"approval": {"status": "denied"}})
	_action(document, _row("tool", "tool_result", 1)) == "require_approval"
}

test_phrase_in_a_completion_passes if {
	_action(fixtures.completion, _row("user", "text", 1)) == "allow"
}

test_lost_settings_trust_nobody if {
	_action(fixtures.prompt, _row("system", "system", 1)) == "require_approval" with data.settings.injection as {}
}
