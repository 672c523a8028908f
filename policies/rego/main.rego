# METADATA
# title: The decision
# description: >-
#   Collects what every topic under `rules/` says and answers with the most restrictive verdict.
#   A verdict that cannot be read ranks as deny, and so does the absence of a positive allow.
# schemas:
#   - input: schema["input.schema"]
package regate

# METADATA
# title: Decision
# description: What the gateway asks for. The default speaks when anything below is undefined.
# scope: document
# entrypoint: true
# custom:
#   reasons:
#     regate.undefined:
#       severity: critical
#       means: The policy or its settings are incomplete, so that no decision came about.
#       remedy: Compare the settings with the shipped ones; `regate policy check` names what is missing.
#     regate.no_allow:
#       severity: high
#       means: No rule allows this. The shipped policy allows known agents.
#       remedy: Use a known agent, or write a rule that allows.
#     regate.no_approver:
#       severity: high
#       means: The rules that ask for approval name groups that have no group in common.
#       remedy: Give the rules a group in common, or leave the groups of one of them out.
#     regate.unreadable_verdict:
#       severity: high
#       means: A rule gave a verdict that lacks a key, has an unknown one or an unknown word, which counts as deny.
#       remedy: Correct the rule that the message names; `regate policy check` says where.
default decision := {
	"action": "deny",
	"reasons": [{
		"rule": "regate.undefined",
		"title": "Policy came to no decision",
		"message": "the policy or its settings are incomplete, so nothing may pass",
		"severity": "critical",
		"controls": [],
	}],
}

decision := {
	"action": _strongest(_actions),
	"reasons": _reasons,
	"mask": _one_each([mask | some verdict in _heard; some mask in verdict.mask]),
	"approval": _approval,
	"record": _least_telling({verdict.record | some verdict in _heard}),
	"response": _most_curious({verdict.response | some verdict in _heard}),
}

_strongest(actions) := "deny" if {
	"deny" in actions
} else := "deny" if {
	not _faults == []
} else := "require_approval" if {
	"require_approval" in actions
} else := "mask" if {
	"mask" in actions
} else := "allow" if {
	"allow" in actions
}

_actions := {verdict.action | some verdict in _heard}

# What the topics said; what cannot be read counts as deny.
_heard := [_read(verdict) | some verdict in data.regate.rules[_].verdicts]

_read(verdict) := verdict if {
	verdict.action in {"allow", "mask", "require_approval", "deny"}
	verdict.severity in {"low", "medium", "high", "critical"}
	is_string(verdict.rule)
	is_string(verdict.title)
	is_string(verdict.message)
	is_array(verdict.controls)
	_readable_rest(verdict)
} else := _deny(
	"regate.unreadable_verdict", "A policy rule is mistaken",
	sprintf("rule %s gave a verdict that cannot be read, so it counts as deny", [_rule_of(verdict)]),
)

# What the topics' silence or contradiction amounts to.
_faults := [] if {
	"allow" in _actions
	not "require_approval" in _actions
} else := array.concat(
	[_deny("regate.no_allow", "Nothing allows this", "no rule allows this request") |
		not "allow" in _actions
	],
	[_deny(
		"regate.no_approver", "No group can approve this",
		"the rules that ask for approval name groups that have no group in common",
	) |
		not _approvers
	],
)

_deny(rule, title, message) := {
	"action": "deny",
	"rule": rule,
	"title": title,
	"message": message,
	"severity": "high",
	"controls": [],
}

default _rule_of(_) := "(unnamed)"

_rule_of(verdict) := verdict.rule if is_string(verdict.rule)

# Most verdicts have the required keys alone, or these and masks: that is seen by their number.
_readable_rest(verdict) if {
	count(verdict) == 6
	verdict.action != "mask"
} else if {
	count(verdict) == 7
	_readable_mask(verdict)
} else if {
	rest := object.keys(verdict) - {"action", "rule", "title", "message", "severity", "controls"}
	count(rest - {"mask", "approval", "record", "response"}) == 0
	_readable_mask(object.union({"mask": []}, verdict))
	object.get(verdict, "record", "masked") in {"masked", "metadata", "full"}
	object.get(verdict, "response", "findings") in {"findings", "always"}
	terms := object.get(verdict, "approval", {})
	is_object(terms)
	object.keys(terms) - {"groups", "quorum", "wait_seconds", "expires_seconds"} == set()
}

_readable_mask(verdict) if {
	verdict.mask == []
	verdict.action != "mask"
} else if {
	is_array(verdict.mask)
	verdict.mask != []
	every mask in verdict.mask {
		is_string(mask.entity)
	}
}

# The reasons, the weightiest first, then by rule: the same order in every engine. Allowing needs none.
_reasons := [reason | some [_, _, _, reason] in sort({weighed |
	some verdict in array.concat(_heard, _faults)
	weighed := [
		{"deny": 0, "require_approval": 1, "mask": 2}[verdict.action], verdict.rule, verdict.message,
		{
			"rule": verdict.rule, "title": verdict.title, "message": verdict.message,
			"severity": verdict.severity, "controls": verdict.controls,
		},
	]
})]

# One mask for each entity and place: where two rules differ, what gives less away.
_one_each(masks) := sort(masks) if {
	count(masks) == count({mask.entity | some mask in masks})
} else := [mask |
	some entity in sort({mask.entity | some mask in masks})
	own := [each | some each in masks; each.entity == entity]
	in_place := {place: _strictest(covering) |
		some place in _everywhere
		covering := [each | some each in own; _covers(each, place)]
	}
	some core in {strictest | some _, strictest in in_place}
	mask := _placed(core, sort([place | some place, strictest in in_place; strictest == core]))
]

_everywhere := ["signed", "text", "tools"]

_covers(mask, place) if place in object.get(mask, "places", _everywhere)

_placed(core, places) := core if {
	places == _everywhere
} else := object.union(core, {"places": places})

# The strongest of the masks, for as little sure findings as the least demanding of them.
_strictest(masks) := object.union(object.remove(mask, ["min_score", "places"]), _least_sure(masks)) if {
	[_, _, mask] := max([[_kept(each), _strength(each), each] | some each in masks])
}

_least_sure(masks) := {"min_score": score} if {
	score := min([object.get(mask, "min_score", 0) | some mask in masks])
	score > 0
} else := {}

default _kept(_) := 1

_kept(mask) := 0 if mask.restore == true

_strength(mask) := object.get(
	{"placeholder": 0, "partial": 1, "hash": 2, "redact": 3},
	object.get(mask, "operator", "placeholder"), 4,
)

# The terms of every rule that asks for approval, taken together: the most demanding of each.
_approval := data.settings.approval if {
	not "require_approval" in _actions
} else := {
	"groups": sort(_approvers),
	"quorum": max([terms.quorum | some terms in _asked]),
	"wait_seconds": min([terms.wait_seconds | some terms in _asked]),
	"expires_seconds": min([terms.expires_seconds | some terms in _asked]),
} if {
	_approvers
} else := data.settings.approval

_asked := [terms |
	some verdict in _heard
	verdict.action == "require_approval"
	terms := object.union(data.settings.approval, object.get(verdict, "approval", {}))
]

# Groups whose members satisfy every rule; an empty set stands for "any approver". Undefined when there are none.
_approvers := groups if {
	named := {{group | some group in terms.groups} | some terms in _asked; count(terms.groups) > 0}
	groups := intersection(named)
	count(groups) > 0
} else := set() if {
	every terms in _asked {
		count(terms.groups) == 0
	}
}

_least_telling(records) := data.settings.record if {
	records == set()
} else := "metadata" if {
	"metadata" in records
} else := "masked" if {
	"masked" in records
} else := "full"

_most_curious(responses) := "always" if {
	"always" in responses
} else := data.settings.response
