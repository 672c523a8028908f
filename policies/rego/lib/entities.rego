# METADATA
# title: What the settings want done with findings
# description: Turns the findings of a category into verdicts, by entity, by category and by phase.
package regate.lib.entities

import data.regate.lib.settings

# METADATA
# title: Verdicts on a category
# description: >-
#   One verdict for each action that the settings want for some entity of the category. `about` gives its
#   title, severity and controls.
verdicts(category, about) := {verdict |
	handled := [each |
		some row in input.findings
		row.category == category
		_matters(row)
		some each in _handled(row)
	]
	some action in {done | some [done, _, _] in handled}
	action != "allow"
	verdict := {
		"action": action,
		"rule": sprintf("%s.%s", [category, action]),
		"title": about.title,
		"message": sprintf("%s in the %s", [
			concat(", ", {row.entity | some [done, row, _] in handled; done == action}),
			_place[input.phase],
		]),
		"severity": about.severity,
		"controls": about.controls,
		"mask": [_mask(row, terms) | some [done, row, terms] in handled; done == action; _masked(action, terms)],
	}
}

_place := {"request": "prompt", "response": "completion"}

# In a prompt every row matters, for history is masked again each time; in a completion those with values that the
# prompt did not hold.
_matters(_) if input.phase == "request"

_matters(row) if row.new > 0

_handled(row) := {[_action(row, terms), row, terms] | some terms in _terms(row)}

# The terms of each group that has its own for the entity, else the entity's, else the category's.
_terms(row) := {terms | some terms in _own[row.entity]} if {
	_own[row.entity]
} else := {data.settings.entities[row.entity][input.phase]} if {
	data.settings.entities[row.entity][input.phase]
} else := {data.settings.categories[row.category][input.phase]} if {
	data.settings.categories[row.category][input.phase]
} else := {{"action": "deny"}}

_own[entity] contains terms if {
	some group in settings.groups
	some entity, phases in data.settings.groups[group].entities
	terms := phases[input.phase]
}

# Approved, or history that was approved before: no longer asked about, still masked where the terms say how.
_action(row, terms) := _settled(terms) if {
	terms.action == "require_approval"
	_answered(row)
} else := object.get(terms, "action", "(none)")

_answered(_) if input.approval.status == "approved"

_answered(row) if row.new == 0

_settled(terms) := "mask" if {
	terms.operator
} else := "allow"

_masked("mask", _) := true

_masked("require_approval", terms) if terms.operator

_mask(row, terms) := {
	"entity": row.entity,
	"operator": object.get(terms, "operator", "placeholder"),
	"restore": object.get(terms, "restore", false),
}
