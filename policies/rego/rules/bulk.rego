# METADATA
# title: Bulk export
# description: >-
#   Many personal values in one prompt look like an export of records, so a person looks first.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.bulk

# METADATA
# title: More new personal values than the settings allow need approval
# description: >-
#   Counts distinct values of category `pii` in the new parts, against `settings.bulk.personal_values`. Entities of
#   which no finding scores 0.5 do not count: rows of ids are no export of records.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.7", "ISO27001:A.8.12", "GDPR:Art.5", "OWASP:LLM02"]
#   settings: ["bulk.personal_values"]
#   remedy: >-
#     Send fewer records, or records without personal data.
verdicts contains {
	"action": "require_approval",
	"rule": "bulk.personal_values",
	"title": "Bulk export of personal data",
	"message": sprintf("%d distinct personal values are new in this prompt", [values]),
	"severity": "high",
	"controls": ["SOC2:CC6.7", "ISO27001:A.8.12", "GDPR:Art.5", "OWASP:LLM02"],
} if {
	input.phase == "request"
	input.findings != []
	not data.regate.lib.approval.given
	values := sum([row.new | some row in input.findings; row.category == "pii"; not row.max_score < _sure])
	not _within_limit(values)
}

_sure := 0.5

_within_limit(values) if {
	limit := data.settings.bulk.personal_values
	is_number(limit)
	values <= limit
}
