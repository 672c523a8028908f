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
	"action": _action,
	"reasons": _reasons,
	"mask": _mask,
	"approval": _approval,
	"record": _record,
	"response": _response,
}

_action := "deny" if {
	"deny" in _actions
} else := "require_approval" if {
	"require_approval" in _actions
} else := "mask" if {
	"mask" in _actions
} else := "allow" if {
	"allow" in _actions
}

_actions := {verdict.action | some verdict in _verdicts}

# What the topics said, and what their silence or contradiction amounts to.
_verdicts := _heard if {
	_allowed
	_asked == []
} else := array.concat(_heard, [fault | some fault in _faults])

# What cannot be read counts as deny.
_heard := [_read(verdict) | some verdict in data.regate.rules[_].verdicts]

_read(verdict) := verdict if {
	_readable(verdict)
} else := _deny(
	"regate.unreadable_verdict", "A policy rule is mistaken",
	sprintf("rule %s gave a verdict that cannot be read, so it counts as deny", [_rule_of(verdict)]),
)

_faults contains _deny("regate.no_allow", "Nothing allows this", "no rule allows this request") if {
	not _allowed
}

_faults contains _deny(
	"regate.no_approver", "Nobody can approve this",
	"the rules that ask for approval name groups that have no group in common",
) if {
	not _approvers
}

_allowed if {
	some verdict in _heard
	verdict.action == "allow"
}

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

_required := {"action", "rule", "title", "message", "severity", "controls"}

_readable(verdict) if {
	verdict.action in {"allow", "mask", "require_approval", "deny"}
	verdict.severity in {"low", "medium", "high", "critical"}
	is_string(verdict.rule)
	is_string(verdict.title)
	is_string(verdict.message)
	is_array(verdict.controls)
	_readable_rest(verdict, object.keys(verdict) - _required)
}

_readable_rest(verdict, set()) if verdict.action != "mask"

_readable_rest(verdict, {"mask"}) if _readable_mask(verdict)

_readable_rest(verdict, rest) if {
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
}

_readable_mask(verdict) if {
	is_array(verdict.mask)
	verdict.mask != []
	every mask in verdict.mask {
		is_string(mask.entity)
	}
}

# The reasons, the weightiest first, then by rule: the same order in every engine.
_reasons := [reason | some [_, _, _, reason] in sort({weighed |
	some verdict in _verdicts
	weighed := [
		_weight[verdict.action], verdict.rule, verdict.message,
		object.filter(verdict, ["rule", "title", "message", "severity", "controls"]),
	]
})]

# Allowing needs no reason.
_weight := {"deny": 0, "require_approval": 1, "mask": 2}

# One mask for each entity: where two rules differ, the one that gives less away.
_mask := sort(_masks) if {
	count(_masks) == count(_entities)
} else := [_strictest(entity) | some entity in sort(_entities)]

_masks := {mask |
	some verdict in _verdicts
	some mask in verdict.mask
}

_entities := {mask.entity | some mask in _masks}

_strictest(entity) := mask if {
	[_, _, mask] := max([[_kept(each), _strength(each), each] |
		some each in _masks
		each.entity == entity
	])
}

default _kept(_) := 1

_kept(mask) := 0 if mask.restore == true

_strength(mask) := object.get(
	{"placeholder": 0, "partial": 1, "hash": 2, "redact": 3},
	object.get(mask, "operator", "placeholder"), 4,
)

# The terms of every rule that asks for approval, taken together: the most demanding of each.
_approval := data.settings.approval if {
	_asked == []
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

_record := data.settings.record if {
	count(_records) == 0
} else := "metadata" if {
	"metadata" in _records
} else := "masked" if {
	"masked" in _records
} else := "full"

_records := {verdict.record | some verdict in _verdicts}

_response := "always" if {
	some verdict in _verdicts
	verdict.response == "always"
} else := data.settings.response
