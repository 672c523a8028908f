# METADATA
# title: Payments
# description: >-
#   A payment needs two people of a group. Terms of its own stand in the verdict; who approved is in `input.approval`.
# schemas:
#   - input: schema["input.schema"]
#   - data.settings.payments:
#       type: object
#       properties:
#         tools: {type: array, items: {type: string, format: glob}}
#         group: {type: string}
#       required: [tools, group]
#       additionalProperties: false
package regate.rules.payments

# METADATA
# title: A payment needs two approvers
# description: >-
#   By `settings.payments.tools` and `settings.payments.group`.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.3"]
#   remedy: >-
#     Have two people of the group approve it.
verdicts contains {
	"action": "require_approval",
	"rule": "payments.two",
	"title": "Two people approve a payment",
	"message": sprintf("%s needs two approvers of %s", [call.name, data.settings.payments.group]),
	"severity": "high",
	"controls": ["SOC2:CC6.3"],
	"approval": {"groups": [data.settings.payments.group], "quorum": 2},
} if {
	input.phase == "response"
	some call in input.tool_calls
	some pattern in data.settings.payments.tools
	glob.match(pattern, null, call.name)
	not data.regate.lib.approval.given_for({"groups": [data.settings.payments.group], "quorum": 2})
}
