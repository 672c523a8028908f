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
#       remedy: >-
#         Compare the settings with the shipped ones; `regate policy check` names what is missing. With OPA's own commands load
#         `policies/rego` and no folder above it, so that `settings/` is `data.settings`.
#     regate.broken_input:
#       severity: critical
#       means: The policy input has a value of another type than the contract says. The gateway makes none such.
#       remedy: Correct the input of the test or the case; live traffic that gets this is a fault to report.
#     regate.no_allow:
#       severity: high
#       means: No rule allows this. The shipped policy allows known agents.
#       remedy: Use a known agent, or write a rule that allows.
#     regate.unreadable_verdict:
#       severity: high
#       means: A rule gave a verdict that lacks a key, has an unknown one or an unknown word, which counts as deny.
#       remedy: Correct the rule that the message names; `regate policy check` says where.
default decision := {
	"action": "deny",
	"reasons": [{
		"rule": "regate.undefined",
		"title": "Policy came to no decision",
		"message": "the policy or its settings are incomplete, so nothing may pass; opa must load policies/rego itself",
		"severity": "critical",
		"controls": [],
	}],
}

decision := {
	"action": "deny",
	"reasons": [{
		"rule": "regate.broken_input",
		"title": "Broken policy input",
		"message": "the policy input has a value of another type than the contract says, so nothing may pass",
		"severity": "critical",
		"controls": [],
	}],
} if {
	data.regate.lib.input.broken
} else := {
	"action": "allow",
	"reasons": [],
	"warnings": [],
	"mask": [],
	"approval": data.settings.approval,
	"record": data.settings.record,
	"response": data.settings.response,
	"retry_after": 0,
} if {
	_only_allowed
} else := {
	"action": _strongest(_actions),
	"reasons": _reasons,
	"warnings": _warnings,
	"mask": _one_each([mask | some verdict in _heard; some mask in verdict.mask]),
	"approval": _approval,
	"record": _least_telling({verdict.record | some verdict in _heard}),
	"response": _most_curious({verdict.response | some verdict in _heard}),
	"retry_after": _retry_after,
}

# What is said of most exchanges: a short cut for what the whole decision below comes to then.
_only_allowed if {
	_said != []
	every verdict in _said {
		verdict.action == "allow"
		count(verdict) == 6
	}
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
_said := [_read(verdict) | some verdict in data.regate.rules[_].verdicts]

_heard := _said if {
	_aside == []
} else := [verdict | some verdict in _said; not verdict in _aside]

_aside := [verdict | some verdict in _said; _only_warns(verdict)]

_only_warns(verdict) if verdict.action == "warn"

_only_warns(verdict) if _excused(verdict)

# A rule that is only logged, or waived for this exchange, restricts nothing. What it allows counts.
_excused(verdict) if {
	verdict.rule in data.settings.log_only
	_may_be_excused(verdict)
}

_excused(verdict) if {
	verdict.log_only == true
	_may_be_excused(verdict)
}

_excused(verdict) if {
	data.settings.waivers != []
	_waived_by(verdict) != set()
}

_may_be_excused(verdict) if {
	verdict.action in {"mask", "require_approval", "deny"}
	verdict.rule != "regate.unreadable_verdict"
}

# The tickets of the waivers that hold for the verdict's rule and this exchange, at its time.
_waived_by(verdict) := {waiver.ticket |
	some waiver in data.settings.waivers
	_may_be_excused(verdict)
	glob.match(waiver.rule, null, verdict.rule)
	glob.match(object.get(waiver, "agent", "*"), null, input.agent.id)
	glob.match(object.get(waiver, "provider", "*"), null, input.provider)
	_is_of(waiver)
	time.parse_rfc3339_ns(input.time) < time.parse_rfc3339_ns(waiver.until)
}

_is_of(waiver) if not waiver.group

_is_of(waiver) if waiver.group in input.agent.groups

_read(verdict) := verdict if {
	verdict.action in {"allow", "warn", "mask", "require_approval", "deny"}
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

# What the topics' silence amounts to.
_faults := [_deny("regate.no_allow", "Nothing allows this", "no rule allows this request") | not "allow" in _actions]

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
	count(rest - {"mask", "approval", "record", "response", "retry_after", "log_only"}) == 0
	_readable_mask(object.union({"mask": []}, verdict))
	object.get(verdict, "record", "masked") in {"masked", "metadata", "full"}
	object.get(verdict, "response", "findings") in {"findings", "always"}
	_is_whole(object.get(verdict, "retry_after", 0))
	is_boolean(object.get(verdict, "log_only", false))
	terms := object.get(verdict, "approval", {})
	is_object(terms)
	object.keys(terms) - {"groups", "quorum", "all_of", "wait_seconds", "expires_seconds"} == set()
	_are_names(object.get(terms, "groups", []))
	places := object.get(terms, "all_of", [])
	is_array(places)
	every place in places {
		is_object(place)
		object.keys(place) - {"groups", "count"} == set()
		_are_names(object.get(place, "groups", []))
		_is_whole(object.get(place, "count", 1))
	}
}

_are_names(names) if {
	is_array(names)
	every name in names {
		is_string(name)
	}
}

_is_whole(number) if {
	is_number(number)
	number == floor(number)
	number >= 0
}

_readable_mask(verdict) if {
	verdict.mask == []
	verdict.action != "mask"
} else if {
	is_array(verdict.mask)
	verdict.mask != []
	every mask in verdict.mask {
		is_string(mask.entity)
		object.get(mask, "restore_to", null) != []
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

# What lets pass and shows, by rule; `would` is what a rule that is only logged, or waived, would have done.
_warnings := [warning | some [_, _, warning] in sort({[verdict.rule, verdict.message, warning] |
	some verdict in _aside
	warning := {
		"rule": verdict.rule, "title": verdict.title, "message": verdict.message,
		"severity": verdict.severity, "controls": verdict.controls, "would": _would(verdict.action),
		"waiver": concat(", ", sort(_waived_by(verdict))),
	}
})]

_would(action) := action if {
	action != "warn"
} else := ""

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
	some core in {strictest | some strictest in in_place}
	mask := _placed(core, sort([place | some place, strictest in in_place; strictest == core]))
]

_everywhere := ["signed", "text", "tools"]

_covers(mask, place) if place in object.get(mask, "places", _everywhere)

_placed(core, places) := core if {
	places == _everywhere
} else := object.union(core, {"places": places})

# The strongest of the masks, for as little sure findings as the least demanding of them.
_strictest(masks) := object.union_n([
	object.remove(mask, ["min_score", "places", "restore_to"]), _least_sure(masks), _destined(mask, masks),
]) if {
	[_, _, mask] := max([[_kept(each), _strength(each), each] | some each in masks])
}

# Where a value comes back to: where every mask that names places names one.
_destined(mask, masks) := {} if {
	not mask.restore
} else := {} if {
	every each in masks {
		not each.restore_to
	}
} else := {"restore_to": sort(shared)} if {
	shared := intersection({{place | some place in each.restore_to} | some each in masks; each.restore_to})
	shared != set()
} else := {"restore": false}

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
	"all_of": _required,
	"wait_seconds": min([terms.wait_seconds | some terms in _asked]),
	"expires_seconds": min([terms.expires_seconds | some terms in _asked]),
}

_asked := [terms |
	some verdict in _heard
	verdict.action == "require_approval"
	terms := object.union(data.settings.approval, object.get(verdict, "approval", {}))
]

# Groups whose members satisfy every rule; none stand for "any approver". Where the rules have no group in common, the
# groups of each of them are a requirement of its own.
_approvers := intersection(_named)

_named := {{group | some group in terms.groups} | some terms in _asked; count(terms.groups) > 0}

# How many people of which groups must agree beside the quorum. One rule may ask for several people of the same groups;
# two rules that ask for the same groups are content with the same people.
_required := sort([{"groups": sort(groups), "count": most} |
	some groups in {demand[0] | some demand in _demands}
	most := max([demand[1] | some demand in _demands; demand[0] == groups])
])

_demands := array.concat(
	[[groups, people] |
		some terms in _asked
		places := [[{group | some group in object.get(place, "groups", [])}, object.get(place, "count", 1)] |
			some place in object.get(terms, "all_of", [])
		]
		some groups in {place[0] | some place in places}
		people := sum([place[1] | some place in places; place[0] == groups])
	],
	[[{group | some group in terms.groups}, terms.quorum] |
		count(_approvers) == 0
		some terms in _asked
		count(terms.groups) > 0
	],
)

# When to ask again: when the last of the rules that deny says so, if all of them do.
_retry_after := max([verdict.retry_after | some verdict in denying]) if {
	denying := [verdict | some verdict in _heard; verdict.action == "deny"]
	_faults == []
	every verdict in denying {
		verdict.retry_after > 0
	}
} else := 0

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
