# METADATA
# title: Tests of approvals under other settings
package policy_tests.approval

import data.policy_tests.fixtures
import data.regate
import data.regate.lib.approval

_action(given, asked) := action if {
	found := object.union(fixtures.row("PROMPT_INJECTION", "injection"), {"roles": ["tool"], "kinds": ["tool_result"]})
	held := fixtures.with_rows(fixtures.prompt, [found])
	document := object.union(held, {"approval": object.union({"status": "approved"}, given)})
	terms := object.union({"groups": [], "quorum": 1, "wait_seconds": 60, "expires_seconds": 900}, asked)
	action := regate.decision.action with input as document with data.settings.approval as terms
}

test_no_approval_was_not_given if {
	approval.given == false with input as fixtures.prompt
}

test_approval_by_enough_people_passes if {
	_action({"quorum": 1}, {}) == "allow"
	_action({"quorum": 3}, {"quorum": 2}) == "allow"
}

test_approval_by_too_few_people_does_not_pass if {
	_action({"quorum": 1}, {"quorum": 2}) == "require_approval"
}

test_approval_by_the_group_passes if {
	_action({"groups": ["ops", "security"]}, {"groups": ["security"]}) == "allow"
}

test_approval_by_another_group_does_not_pass if {
	_action({"groups": ["ops"]}, {"groups": ["security"]}) == "require_approval"
	_action({"groups": []}, {"groups": ["security"]}) == "require_approval"
}

test_only_people_of_the_groups_count if {
	dpo := {"groups": ["dpo"], "quorum": 2}
	_action(_consents([["dpo", "security"], ["security"]]), dpo) == "require_approval"
	_action(object.union(_consents([["dpo"], ["ops"]]), {"groups": ["dpo", "ops"]}), dpo) == "require_approval"
	_action(_consents([["dpo"], ["ops"], ["dpo", "ops"]]), dpo) == "allow"
}

test_terms_of_a_rules_own_are_met_by_people_of_their_groups if {
	terms := {"groups": ["finance"], "quorum": 2}
	every groups_of, met in {[["finance"], ["finance"]]: true, [["finance"], ["ops"]]: false, []: false} {
		document := object.union(fixtures.prompt, {"approval": object.union({"status": "approved"}, _consents(groups_of))})
		approval.given_for(terms) == met with input as document
	}
}

_consents(groups_of) := {"quorum": count(groups_of), "consents": [{"approver": "x", "groups": groups} | some groups in groups_of]}

_dpo_and_security := {"all_of": [{"groups": ["dpo"], "count": 1}, {"groups": ["security"]}]}

test_approval_by_people_for_each_requirement_passes if {
	_action(_consents([["dpo"], ["security"]]), _dpo_and_security) == "allow"
	_action(_consents([["dpo", "security"], ["dpo"]]), _dpo_and_security) == "allow"
	_action(_consents([["dpo"], ["ops"]]), {"all_of": [{"count": 2}]}) == "allow"
	_action(_consents([["dpo"], ["dpo"], ["dpo"]]), {"all_of": [{"groups": ["dpo"], "count": 3}]}) == "allow"
}

test_one_person_does_not_meet_two_requirements if {
	_action(_consents([["dpo", "security"]]), _dpo_and_security) == "require_approval"
	_action(_consents([["dpo"], ["dpo"]]), _dpo_and_security) == "require_approval"
	_action(_consents([["dpo", "security"], ["ops"]]), _dpo_and_security) == "require_approval"
	_action(_consents([["dpo"], ["ops"]]), {"all_of": [{"groups": ["dpo"], "count": 2}]}) == "require_approval"
	_action(_consents([["dpo"], ["ops"]]), {"all_of": [{"count": 3}]}) == "require_approval"
}
