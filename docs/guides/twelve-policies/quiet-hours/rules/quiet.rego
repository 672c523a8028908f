# METADATA
# title: Quiet hours
# description: >-
#   What runs by itself at night runs unwatched. Hours are UTC, and may go over midnight.
# schemas:
#   - input: schema["input.schema"]
#   - data.settings.quiet:
#       type: object
#       properties:
#         groups: {type: array, items: {type: string}}
#         from: {type: string, pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
#         until: {type: string, pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
#       required: [groups, from, until]
#       additionalProperties: false
package regate.rules.quiet

# METADATA
# title: Groups on the list are denied in quiet hours
# description: >-
#   By `settings.quiet`.
# scope: rule
# custom:
#   severity: low
#   controls: []
#   remedy: >-
#     Ask again when the quiet hours are over.
verdicts contains {
	"action": "deny",
	"rule": "quiet.hours",
	"title": "Quiet hours",
	"message": sprintf("quiet from %s until %s UTC", [data.settings.quiet.from, data.settings.quiet.until]),
	"severity": "low",
	"controls": [],
} if {
	input.phase == "request"
	some group in data.settings.quiet.groups
	group in input.agent.groups
	_quiet(substring(input.time, 11, 5), data.settings.quiet.from, data.settings.quiet.until)
}

_quiet(now, from, until) if {
	from <= until
	now >= from
	now < until
}

_quiet(now, from, until) if {
	from > until
	now >= from
}

_quiet(now, from, until) if {
	from > until
	now < until
}
