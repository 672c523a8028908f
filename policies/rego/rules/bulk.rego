# METADATA
# title: Bulk export
# description: Many personal values in one prompt look like an export of records, so a person looks first.
package regate.rules.bulk

# METADATA
# title: More new personal values than the settings allow need approval
# scope: rule
verdicts contains {
	"action": "require_approval",
	"rule": "bulk.personal_values",
	"title": "Bulk export of personal data",
	"message": sprintf("%d distinct personal values are new in this prompt", [_values]),
	"severity": "high",
	"controls": ["SOC2:CC6.7", "OWASP:LLM02"],
} if {
	input.phase == "request"
	input.findings != []
	input.approval.status != "approved"
	not _within_limit
}

_within_limit if {
	is_number(data.settings.bulk.personal_values)
	_values <= data.settings.bulk.personal_values
}

_values := sum([row.new |
	some row in input.findings
	row.category == "pii"
])
