# METADATA
# title: Budgets and rates
# description: Requests and tokens that an agent may use in a minute and in a day, by group; -1 is no limit.
package regate.rules.budgets

import data.regate.lib.settings

# METADATA
# title: A spent budget denies
# description: Of an agent in several groups every group's budget must hold.
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": sprintf("budgets.%s", [name]),
	"title": "Budget spent",
	"message": sprintf("the budget %s of group %s is spent", [name, group]),
	"severity": "medium",
	"controls": ["OWASP:LLM10"],
} if {
	input.phase == "request"
	some group, said in settings.said
	some name, limit in said.budgets
	not _within(name, limit)
}

_within(name, -1) if input.usage[name]

_within(name, limit) if {
	is_number(limit)
	input.usage[name] <= limit
}
