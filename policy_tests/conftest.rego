# METADATA
# title: For Conftest
# description: >-
#   Conftest looks for `deny` and `warn` in package main: here they say what the decision on an input document is.
#   conftest test -p policies/rego -p policy_tests/conftest.rego -d policies/rego input.json
package main

# METADATA
# title: What denies, or asks for approval
deny contains sprintf("%s: %s: %s", [data.regate.decision.action, reason.rule, reason.message]) if {
	data.regate.decision.action in {"deny", "require_approval"}
	some reason in data.regate.decision.reasons
}

# METADATA
# title: What is masked or warned of
# scope: document
warn contains sprintf("mask: %s", [mask.entity]) if {
	some mask in data.regate.decision.mask
}

warn contains sprintf("warn: %s: %s", [warning.rule, warning.message]) if {
	some warning in data.regate.decision.warnings
}
