# METADATA
# title: The decision
# description: >-
#   Collects what every topic under `rules/` says and answers with the most restrictive verdict.
#   A verdict that cannot be read ranks as deny, and so does the absence of a positive allow.
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

# What the topics said, as far as it can be read, and what their silence or contradiction amounts to.
_verdicts := (_heard | _unreadable) | _missing

_heard contains verdict if {
	some verdict in data.regate.rules[_].verdicts
	_readable(verdict)
}

_unreadable contains verdict if {
	some unread in data.regate.rules[_].verdicts
	not _readable(unread)
	verdict := _deny(
		"regate.unreadable_verdict", "A policy rule is mistaken",
		sprintf("rule %s gave a verdict that cannot be read, so it counts as deny", [_rule_of(unread)]),
	)
}

_missing contains verdict if {
	not _allowed
	verdict := _deny("regate.no_allow", "Nothing allows this", "no rule allows this request")
}

_missing contains verdict if {
	count(_asked) > 0
	not _approvers
	verdict := _deny(
		"regate.no_approver", "Nobody can approve this",
		"the rules that ask for approval name groups that have no group in common",
	)
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

_rule_of(verdict) := verdict.rule if {
	is_object(verdict)
	is_string(verdict.rule)
}

_required := {"action", "rule", "title", "message", "severity", "controls"}

_known := _required | {"mask", "approval", "record", "response"}

_readable(verdict) if {
	is_object(verdict)
	keys := object.keys(verdict)
	count(_required - keys) == 0
	count(keys - _known) == 0
	verdict.action in {"allow", "mask", "require_approval", "deny"}
	verdict.severity in {"low", "medium", "high", "critical"}
	is_string(verdict.rule)
	is_string(verdict.title)
	is_string(verdict.message)
	object.get(verdict, "record", "masked") in {"masked", "metadata", "full"}
	object.get(verdict, "response", "findings") in {"findings", "always"}
	_readable_mask(verdict.action, object.get(verdict, "mask", []))
	_readable_approval(object.get(verdict, "approval", {}))
}

_readable_mask(action, masks) if {
	action != "mask"
	count(masks) == 0
}

_readable_mask(_, masks) if {
	count(masks) > 0
	every mask in masks {
		is_string(mask.entity)
	}
}

_readable_approval(terms) if {
	count(object.keys(terms) - {"groups", "quorum", "wait_seconds", "expires_seconds"}) == 0
}

# The reasons, the weightiest first, then by rule: the same order in every engine.
_reasons := [reason |
	some action in ["deny", "require_approval", "mask"]
	some [_, _, reason] in sort([[verdict.rule, verdict.message, said] |
		some verdict in _verdicts
		verdict.action == action
		said := object.filter(verdict, {"rule", "title", "message", "severity", "controls"})
	])
]

# One mask for each entity: where two rules differ, the one that gives less away.
_mask := [mask |
	some entity in {mask.entity | some mask in _masks}
	mask := _strictest(entity)
]

_masks := [mask |
	some verdict in _verdicts
	some mask in verdict.mask
]

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
_approval := {
	"groups": sort(_approvers),
	"quorum": max([terms.quorum | some terms in _asked]),
	"wait_seconds": min([terms.wait_seconds | some terms in _asked]),
	"expires_seconds": min([terms.expires_seconds | some terms in _asked]),
} if {
	count(_asked) > 0
} else := data.settings.approval

_asked := [terms |
	some verdict in _heard
	verdict.action == "require_approval"
	terms := object.union(data.settings.approval, object.get(verdict, "approval", {}))
]

# Groups whose members satisfy every rule; an empty set stands for "any approver". Undefined when there are none.
_approvers := groups if {
	named := {{group | some group in terms.groups} | some terms in _asked; count(terms.groups) > 0}
	count(named) > 0
	groups := intersection(named)
	count(groups) > 0
} else := set() if {
	every terms in _asked {
		count(terms.groups) == 0
	}
}

_record := "metadata" if {
	"metadata" in _records
} else := "masked" if {
	"masked" in _records
} else := "full" if {
	"full" in _records
} else := data.settings.record

_records contains verdict.record if some verdict in _verdicts

_response := "always" if {
	some verdict in _verdicts
	verdict.response == "always"
} else := data.settings.response
