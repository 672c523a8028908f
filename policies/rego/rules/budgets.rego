# METADATA
# title: Budgets and rates
# description: >-
#   Requests, tokens and cost (in millionths) that an agent, a person and a team may use: in the last minute, day and 30
#   days (`_1m`, `_1d`, `_1mo`), and in the day and month of the calendar (`_day`, `_month`); -1 is no limit. All of them
#   are whole numbers, for engines differ on decimals.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.budgets

# METADATA
# title: A spent budget denies
# description: >-
#   Every budget must hold that speaks of the agent, its person or its team: those of all its groups, its own and the
#   person's. A budget that is no whole number is spent. The client is told when to ask again.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"]
#   rule: budgets.<budget>
#   settings: ["groups.<group>.budgets", "agents.<agent>.budgets", "people.<person>.budgets"]
#   remedy: >-
#     Wait as long as the answer's `Retry-After` says, or have the budget raised that the message names.
verdicts contains {
	"action": "deny",
	"rule": sprintf("budgets.%s", [concat(".", array.concat(scopes, [name]))]),
	"title": "Budget spent",
	"message": sprintf("the budget %s of %s is spent", [concat(".", array.concat(scopes, [name])), by]),
	"severity": "medium",
	"controls": ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"],
	"retry_after": _turns_in(scope, name, limit),
} if {
	input.phase == "request"
	some [scope, by, budgets] in _spoken
	some name, limit in object.remove(budgets, _no_limits)
	not _within(scope, name, limit)
	scopes := [scope | scope != "agent"]
}

# METADATA
# title: A budget that is nearly spent warns
# description: >-
#   From the share `warn_at` of a budget on, to the percent, requests pass with a warning.
# scope: rule
# custom:
#   severity: low
#   controls: ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"]
#   rule: budgets.near.<budget>
#   settings: ["groups.<group>.budgets", "agents.<agent>.budgets", "people.<person>.budgets"]
#   remedy: >-
#     Have the budget raised that the message names before it is spent.
verdicts contains {
	"action": "warn",
	"rule": sprintf("budgets.near.%s", [concat(".", array.concat(scopes, [name]))]),
	"title": "Budget nearly spent",
	"message": sprintf("the budget %s of %s is nearly spent", [concat(".", array.concat(scopes, [name])), by]),
	"severity": "low",
	"controls": ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"],
} if {
	input.phase == "request"
	some [scope, by, budgets] in _spoken
	share := round(budgets.warn_at * 100)
	some name, limit in object.remove(budgets, _no_limits)
	limit > 0
	_within(scope, name, limit)
	_used(scope, name) * 100 >= limit * share
	scopes := [scope | scope != "agent"]
}

_no_limits := {"person", "team", "warn_at"}

# Whose usage is limited, who says so, and how.
_spoken contains ["agent", sprintf("group %s", [group]), budgets] if {
	some group, said in data.regate.lib.settings.said
	budgets := said.budgets
	budgets != {}
}

_spoken contains ["agent", sprintf("agent %s", [input.agent.id]), budgets] if {
	budgets := data.settings.agents[input.agent.id].budgets
}

_spoken contains ["person", sprintf("group %s", [group]), budgets] if {
	some group, said in data.regate.lib.settings.said
	budgets := said.budgets.person
}

_spoken contains ["person", sprintf("person %s", [name]), own.budgets] if {
	some name, own in data.settings.people
	lower(name) == _person
}

_spoken contains ["team", sprintf("team %s", [team]), budgets] if {
	some team, said in data.regate.lib.settings.team
	budgets := said.budgets.team
}

# As budgets count it; an input without it is a case, or was recorded before.
_person := input.agent.person if {
	input.agent.person != ""
} else := lower(input.agent.on_behalf_of) if {
	input.agent.on_behalf_of != ""
} else := lower(input.agent.owner)

_within(scope, name, -1) if _used(scope, name) >= 0

_within(scope, name, limit) if {
	is_number(limit)
	limit == floor(limit)
	_used(scope, name) <= limit
}

_used(scope, name) := input.usage[scope][measure][window] if [measure, window] := _parts(name)

# A budget of nothing stays spent.
default _turns_in(_, _, _) := 0

_turns_in(scope, name, limit) := input.usage.turns_in[scope][window] if {
	limit > 0
	_used(scope, name) > limit
	[_, window] := _parts(name)
}

# For example cost_micros and 1m, of cost_micros_1m.
_parts(name) := [trim_suffix(name, concat("", ["_", window])), window] if {
	some window in ["1m", "1d", "1mo", "day", "month"]
	endswith(name, concat("", ["_", window]))
}
