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
# title: Actions wanted
# description: By category, what the settings want done with its findings. `allow` is no verdict.
# scope: document
actions[category] contains action if {
	some [category, action, _, _] in _treated
	action != "allow"
}

# METADATA
# title: A verdict on findings
# description: On the findings of one category that one action is wanted for; `about` has title, severity, controls.
# scope: document
verdict(category, action, about) := object.union(about, {
	"action": action,
	"rule": concat(".", [category, action]),
	"message": concat(" ", [concat(", ", names), "in the", _place]),
	"mask": masks,
}) if {
	names := {row.entity |
		some [found, wanted, _, rows] in _treated
		found == category
		wanted == action
		some row in rows
	}
	masks := [mask |
		some [found, wanted, terms, rows] in _treated
		found == category
		wanted == action
		_masked(wanted, terms)
		operator := object.get(terms, "operator", "placeholder")
		restore := object.get(terms, "restore", false)
		some row in rows
		mask := {"entity": row.entity, "operator": operator, "restore": restore}
	]
}

_masked("mask", _) := true

_masked("require_approval", terms) if terms.operator

_place := "prompt" if {
	input.phase == "request"
} else := "completion"

# [category, action, terms, rows]: rows of one category that are treated alike. Many rows share their category's
# terms, so that the settings are looked at once for all of them.
_treated := _plain if {
	count(_plain) == count(_met)
} else := array.concat(_plain, _held)

_plain := [[category, terms.action, terms, rows] |
	some [category, terms, rows] in _met
	terms.action != "require_approval"
]

# Approved, or history that was approved before: no longer asked about, still masked where the terms say how.
_held := [treated |
	some [category, terms, rows] in _met
	terms.action == "require_approval"
	open := [row | some row in rows; not _answered(row)]
	settled := [row | some row in rows; _answered(row)]
	some treated in [
		[category, "require_approval", terms, open],
		[category, _settled(terms), terms, settled],
	]
	count(treated[3]) > 0
]

_answered(_) if input.approval.status == "approved"

_answered(row) if row.new == 0

_settled(terms) := "mask" if {
	terms.operator
} else := "allow"

# [category, terms, rows], before approvals are looked at.
_met := array.concat(_by_category, _by_entity)

_by_category := [[category, _readable(terms), rows] |
	some category in {row.category | some row in _unnamed}
	some terms in _of_category(category)
	rows := [row | some row in _unnamed; row.category == category]
]

# Deny, where the settings say nothing: a finding must never vanish.
_of_category(category) := settings.categories[category] if {
	settings.categories[category]
} else := {data.settings.categories[category][input.phase]} if {
	data.settings.categories[category][input.phase]
} else := {{"action": "deny"}}

_by_entity := [] if {
	_named == {}
} else := [[row.category, _readable(terms), [row]] |
	some row in _rows
	some terms in object.get(_named, row.entity, set())
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

# Terms without an action, or that are no object, must not make their findings vanish: no action is the name of none.
_readable(terms) := terms if {
	terms.action
} else := {"action": "(none)"}

# In a prompt every row matters, for history is masked again each time; in a completion those with values that the
# prompt did not hold.
_rows := [row | some row in input.findings; row.new > 0] if {
	input.phase == "response"
} else := input.findings
