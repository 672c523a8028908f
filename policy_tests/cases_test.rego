# METADATA
# title: The case files
# description: Each case of `cases/*.yaml` is a test of its own, named by its topic and its title.
package policy_tests.cases

import data.policy_tests.fixtures
import data.regate

# `regate policy test` runs each case by itself, with a time of its own; `opa test` runs them all here.
test_cases if {
	failed := [name | some name, passed in passes; not passed]
	print("cases that fail:", failed)
	failed == []
}

# METADATA
# title: Whether each case is decided as it says
passes[name] := passed if {
	some topic, cases in data.cases
	some title, case in cases
	name := concat(": ", [topic, title])
	passed := count([true | _as_expected(case)]) == 1
}

_as_expected(case) if {
	object.keys(case) - {"base", "input", "settings", "tables", "decision", "rules", "warnings", "broken"} == set()
	settings := object.union(data.settings, object.get(case, "settings", {}))
	own := object.get(case, "tables", tables)
	decision := regate.decision with input as _input(case) with data.settings as settings with data.tables as own
	count(object.keys(case.decision)) > 0
	object.union(decision, case.decision) == decision
	rules := [reason.rule | some reason in decision.reasons]
	object.get(case, "rules", rules) == rules
	warnings := [warning.rule | some warning in object.get(decision, "warnings", [])]
	object.get(case, "warnings", warnings) == warnings
}

# METADATA
# title: The tables of cases that have none of their own
# description: "`tables/data.yaml` beside the cases; none where it is not there."
# scope: document
default tables := {}

tables := data.tables

_input(case) := object.union(document, {
	"findings": [object.union(_row, row) | some row in document.findings],
	"tool_calls": [object.union(_call, call) | some call in document.tool_calls],
}) if {
	document := object.union(fixtures.bases[case.base], object.get(case, "input", {}))
}

_row := {
	"count": 1, "distinct": 1, "new": 1, "max_score": 0.9,
	"roles": ["user"], "kinds": ["text"], "attributes": fixtures.unknown,
}

_call := {"arguments": {}, "restores": [], "origins": []}
