# METADATA
# title: Whether people approved
# description: >-
#   An approval is bound to a request, not to a policy revision, so it may have been given under other settings. Rules
#   name `given` by its full path.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.approval

# METADATA
# title: An approval that satisfies the settings in force
# description: >-
#   False when fewer people, or people of other groups, agreed than `settings.approval` asks for now.
# scope: document
default given := false

given if given_for(data.settings.approval)

# METADATA
# title: An approval that satisfies terms of a rule's own
# description: >-
#   The terms are as in a verdict: `{"groups": ["finance"], "quorum": 2}`. As many people as the quorum, of these groups,
#   must have agreed, and people of their own for each requirement of `all_of`. An input that names none of those who
#   agreed, as a case may, is judged by `input.approval.quorum` and `.groups`.
# scope: document
default given_for(_) := false

given_for(terms) if {
	input.approval.status == "approved"
	_enough_agreed(terms)
	_requirements_met(object.get(terms, "all_of", []))
}

_enough_agreed(terms) if {
	count([consent | some consent in input.approval.consents; _may_meet(terms, consent)]) >= max([1, _quorum(terms)])
}

_enough_agreed(terms) if {
	input.approval.consents == []
	_quorum(terms) <= max([1, input.approval.quorum])
	_may_meet(terms, input.approval)
}

_quorum(terms) := object.get(terms, "quorum", 1)

# Each of them can have people of its own when any few of them together have as many people as they ask for (Hall's
# theorem). The bits of a number say which few.
_requirements_met(requirements) if {
	every few in numbers.range(1, bits.lsh(1, count(requirements)) - 1) {
		_have_enough([each | some index, each in requirements; bits.and(few, bits.lsh(1, index)) > 0])
	}
}

_have_enough(few) if {
	people := {index |
		some index, consent in input.approval.consents
		some each in few
		_may_meet(each, consent)
	}
	count(people) >= sum([object.get(each, "count", 1) | some each in few])
}

_may_meet(each, _) if object.get(each, "groups", []) == []

_may_meet(each, consent) if {
	some group in each.groups
	group in consent.groups
}
