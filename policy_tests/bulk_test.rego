# METADATA
# title: Tests of bulk export
package policy_tests.bulk

import data.policy_tests.fixtures
import data.regate

_rows(emails, phones) := [
	object.union(fixtures.row("EMAIL_ADDRESS", "pii"), {"count": 99, "distinct": 99, "new": emails}),
	object.union(fixtures.row("PHONE_NUMBER", "pii"), {"count": 99, "distinct": 99, "new": phones}),
]

_action(document, rows) := action if {
	action := regate.decision.action with input as fixtures.with_rows(document, rows)
}

test_up_to_the_limit_is_masked if {
	_action(fixtures.prompt, _rows(20, 5)) == "mask"
}

test_over_the_limit_needs_approval if {
	_action(fixtures.prompt, _rows(20, 6)) == "require_approval"
}

test_approved_bulk_is_still_masked if {
	_action(fixtures.approved(fixtures.prompt), _rows(20, 6)) == "mask"
}

test_weak_findings_are_no_export if {
	weak := [object.union(row, {"max_score": 0.3}) | some row in _rows(40, 40)]
	_action(fixtures.prompt, weak) == "mask"
	_action(fixtures.prompt, array.concat(weak, _rows(20, 6))) == "require_approval"
}

test_secrets_are_no_personal_values if {
	rows := [object.union(fixtures.row("API_KEY", "secret"), {"new": 99})]
	_action(fixtures.prompt, rows) == "mask"
}

test_completion_is_no_export if {
	_action(fixtures.completion, _rows(20, 6)) == "mask"
}

test_limit_that_is_no_number_holds_any_personal_value if {
	_action(fixtures.prompt, _rows(1, 0)) == "require_approval" with data.settings.bulk as {"personal_values": "25"}
	_action(fixtures.prompt, _rows(1, 0)) == "require_approval" with data.settings.bulk as {}
}
