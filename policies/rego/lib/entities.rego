# METADATA
# title: What the settings want done with findings
# description: >-
#   Turns findings into verdicts. An entity comes before its category; then what a group or the provider says comes
#   before what all share. Where several of them speak, the most restrictive wins.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.entities

import data.regate.lib.settings

# METADATA
# title: Findings that something is done with
# description: >-
#   One object for the findings of a category that are treated alike: `category`, `action`, `terms` and `rows`.
#   Many findings share their category's terms, so that the settings are looked at once for all of them.
# scope: document
treated := [] if {
	input.findings == []
} else := [each |
	some each in array.concat(_plain, _held)
	not each.action == "allow"
]

# METADATA
# title: A verdict on findings
# description: What one of `treated` amounts to; `about` has title, severity and controls.
# scope: document
verdict(each, about) := object.union(about, {
	"action": each.action,
	"rule": concat(".", [each.category, each.action]),
	"message": concat(" ", [concat(", ", {row.entity | some row in each.rows}), "in the", _place]),
	"mask": _masks(each.action, each.terms, each.rows),
})

_masks(action, terms, rows) := [mask |
	_masked(action, terms)
	operator := object.get(terms, "operator", "placeholder")
	restore := object.get(terms, "restore", false)
	some row in rows
	mask := {"entity": row.entity, "operator": operator, "restore": restore}
]

_masked("mask", _) := true

_masked("require_approval", terms) if terms.operator

_place := "prompt" if {
	input.phase == "request"
} else := "completion"

_plain := [object.union(met, {"action": met.terms.action}) |
	some met in _met
	met.terms.action != "require_approval"
]

# Approved, or history that was approved before: no longer asked about, still masked where the terms say how.
_held := [object.union(met, outcome) |
	some met in _met
	met.terms.action == "require_approval"
	some outcome in [
		{"action": "require_approval", "rows": [row | some row in met.rows; not _answered(row)]},
		{"action": _settled(met.terms), "rows": [row | some row in met.rows; _answered(row)]},
	]
	outcome.rows != []
]

_answered(_) if input.approval.status == "approved"

_answered(row) if row.new == 0

_settled(terms) := "mask" if {
	terms.operator
} else := "allow"

# Findings with their terms, before approvals are looked at.
_met := _by_category if {
	_named == {}
} else := array.concat(_by_category, _by_entity)

_by_category := [{"category": category, "terms": _readable(terms), "rows": rows} |
	some category in {row.category | some row in _unnamed}
	some terms in _of_category(category)
	rows := [row | some row in _unnamed; row.category == category]
]

_by_entity := [{"category": category, "terms": _readable(terms), "rows": rows} |
	pairs := [[row, terms] | some row in _rows; some terms in object.get(_named, row.entity, set())]
	some [category, terms] in {[row.category, said] | some [row, said] in pairs}
	rows := [row | some [row, said] in pairs; row.category == category; said == terms]
]

_unnamed := _rows if {
	_named == {}
} else := [row |
	some row in _rows
	not _named[row.entity]
]

# The terms of the found entities that the settings name, a group or the provider before all others.
_named := object.union(_shared, settings.entities)

_shared := {entity: {terms} |
	some entity in ({row.entity | some row in _rows} & object.keys(data.settings.entities))
	terms := data.settings.entities[entity][input.phase]
}

# Deny, where the settings say nothing: a finding must never vanish.
_of_category(category) := settings.categories[category] if {
	settings.categories[category]
} else := {data.settings.categories[category][input.phase]} if {
	data.settings.categories[category][input.phase]
} else := {{"action": "deny"}}

# Terms without an action, or that are no object, must not make their findings vanish: no action is the name of none.
_readable(terms) := terms if {
	terms.action
} else := {"action": "(none)"}

# In a prompt every row matters, for history is masked again each time; in a completion those with values that the
# prompt did not hold.
_rows := [row | some row in input.findings; row.new > 0] if {
	input.phase == "response"
} else := input.findings
