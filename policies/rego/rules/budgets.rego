# METADATA
# title: Budgets and rates
# description: >-
#   Requests, tokens and cost (in millionths) that an agent may use in a minute and in a day, by group; -1 is no limit.
#   All of them are whole numbers, for engines differ on decimals.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.budgets

# METADATA
# title: A spent budget denies
# description: >-
#   Of an agent in several groups every group's budget must hold. A budget that is no whole number is spent.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"]
#   rule: budgets.<budget>
#   settings: ["groups.<group>.budgets"]
#   remedy: >-
#     Wait for the next minute or day, or have `groups.<group>.budgets` raised.
verdicts contains {
	"action": "deny",
	"rule": sprintf("budgets.%s", [name]),
	"title": "Budget spent",
	"message": sprintf("the budget %s of group %s is spent", [name, group]),
	"severity": "medium",
	"controls": ["SOC2:A1.1", "ISO27001:A.8.6", "OWASP:LLM10"],
} if {
	input.phase == "request"
	some group, said in data.regate.lib.settings.said
	some name, limit in said.budgets
	not _within(name, limit)
}

_within(name, -1) if _used[name]

_within(name, limit) if {
	is_number(limit)
	limit == floor(limit)
	_used[name] <= limit
}

_used := {concat("_", [measure, window]): amount |
	some measure, windows in input.usage.agent
	some window, amount in windows
}
