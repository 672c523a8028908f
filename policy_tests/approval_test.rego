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
