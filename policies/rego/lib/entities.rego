# METADATA
# title: What the settings want done with findings
# description: >-
#   Turns findings into verdicts. An entity comes before its category; then what a group or the provider says comes
#   before what all share. Where several of them speak, the most restrictive wins.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.entities

# METADATA
# title: Findings that something is done with
# description: >-
#   One object for the findings of a category that are treated alike: `category`, `action`, `terms` and `rows`.
#   Many findings share their category's terms, so that the settings are looked at once for all of them.
# scope: document
treated := [] if {
	input.findings == []
} else := [each |
	some met in array.concat(_by_category, _by_entity)
	some each in _settled(met)
]

# METADATA
# title: A verdict on findings
# description: What one of `treated` amounts to; `about` has title, severity and controls.
# scope: document
verdict(found, about) := object.union(about, {
	"action": found.action,
	"rule": concat(".", [found.category, found.action]),
	"message": concat("", [
		concat(", ", [row.entity | some row in found.rows]),
		object.get({"request": " in the prompt"}, input.phase, " in the completion"),
	]),
	"mask": _masks(found),
})

_masks(found) := [object.union(shared, {"entity": row.entity}) |
	shared := object.union_n([
		_limits(found.terms),
		{
			"operator": object.get(found.terms, "operator", "placeholder"),
			"restore": object.get(found.terms, "restore", false),
		},
		object.filter(found.terms, ["restore_to"]),
	])
	some row in found.rows
] if {
	_masked(found)
} else := []

_masked(found) if {
	found.action == "mask"
} else if {
	found.action == "require_approval"
	found.terms.operator
}

# Approved, or history that was approved before: no longer asked about, still masked where the terms say how.
_settled(met) := [met] if {
	not met.action in {"allow", "require_approval"}
} else := [part |
	met.action == "require_approval"
	some part in [
		object.union(met, {"rows": [row | some row in met.rows; not _answered(row)]}),
		object.union(met, {"action": "mask", "rows": [row | met.terms.operator; some row in met.rows; _answered(row)]}),
	]
	part.rows != []
]

_answered(row) if {
	row.new == 0
} else if data.regate.lib.approval.given

_by_category := [{"category": category, "action": _action(terms), "terms": terms, "rows": rows} |
	some category in {row.category | some row in _rows}
	met := [row | some row in _rows; row.category == category; not row.entity in _named]
	some terms in _of_category(category)
	rows := _within(_limits(terms), met)
	rows != []
]

_by_entity := [{"category": category, "action": _action(terms), "terms": terms, "rows": rows} |
	pairs := [[row, said] | some row in _rows; row.entity in _named; some said in _of_entity(row)]
	some [category, terms] in {[row.category, said] | some [row, said] in pairs}
	met := [row | some [row, said] in pairs; row.category == category; said == terms]
	rows := _within(_limits(terms), met)
	rows != []
]

# The entities that the settings speak of in this phase.
_named := {name | some name, said in data.settings.entities; said[input.phase]} | {name |
	some speaker in array.concat(data.regate.lib.settings.speakers, [data.regate.lib.settings.dialect])
	some name, said in speaker.entities
	said[input.phase]
}

_of_entity(row) := data.regate.lib.settings.terms("entities", row.entity)

# Deny, where the settings say nothing: a finding must never vanish.
_of_category(category) := terms if {
	terms := data.regate.lib.settings.terms("categories", category)
} else := {{"action": "deny"}}

# Terms without an action, or that are no object, must not make their findings vanish: no action is the name of none.
_action(terms) := action if {
	action := terms.action
} else := "(none)"

# In a completion terms may hold for some places only, and for findings that are sure; the others are recorded and
# pass. A prompt has no such terms: all of its history is masked, wherever it stands. Limits that cannot be read are none.
default _limits(_) := {}

_limits(terms) := object.union(_sure(terms), _placed(terms)) if input.phase == "response"

default _sure(_) := {}

_sure(terms) := {"min_score": terms.min_score} if is_number(terms.min_score)

default _placed(_) := {}

_placed(terms) := {"places": sort(places)} if {
	places := {place | some place in terms.places}
	places != set()
	places - {"text", "tools", "signed"} == set()
}

_within(limits, rows) := rows if {
	limits == {}
} else := [row |
	some row in rows
	row.max_score >= object.get(limits, "min_score", 0)
	_stands(limits, row)
]

_stands(limits, _) if not limits.places

_stands(limits, row) if {
	some kind in row.kinds
	object.get({"tool_call": "tools", "signed": "signed"}, kind, "text") in limits.places
}

# In a prompt every row matters, for history is masked again each time; in a completion those with values that the
# prompt did not hold.
_rows := [row | some row in input.findings; row.new > 0] if {
	input.phase == "response"
} else := input.findings
