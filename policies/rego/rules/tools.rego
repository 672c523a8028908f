# METADATA
# title: Tool calls
# description: >-
#   What the model asks the agent to do, judged before the agent sees it.
#   By `settings.tools` and `settings.restore_tools`.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.tools

import data.regate.lib.commands

# METADATA
# title: A tool call whose arguments do not parse is denied
# description: >-
#   Arguments that are no JSON object cannot be judged, so nothing is assumed of them.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC7.2", "ISO27001:A.8.26", "OWASP:LLM05"]
#   settings: []
#   remedy: >-
#     Ask again; a model that does so often needs a stricter tool schema.
verdicts contains {
	"action": "deny",
	"rule": "tools.unparseable_arguments",
	"title": "Unparseable tool arguments",
	"message": "the arguments of a tool call are not a JSON object, so they cannot be judged",
	"severity": "high",
	"controls": ["SOC2:CC7.2", "ISO27001:A.8.26", "OWASP:LLM05"],
} if {
	some row in input.findings
	row.entity == "UNPARSEABLE_ARGUMENTS"
}

# METADATA
# title: A tool call on the deny list is denied
# description: >-
#   By `settings.tools.deny`: globs over the name, conditions over the arguments, commands in plain spellings. What a
#   shell or an interpreter has to compute first is not seen: variables, encodings, aliases, downloaded programs.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"]
#   settings: ["tools.deny"]
#   remedy: >-
#     Do it by hand, or have the entry taken off the list.
verdicts contains {
	"action": "deny",
	"rule": "tools.denied",
	"title": "Tool not allowed",
	"message": sprintf("the model calls %s, which is on the deny list", [call.name]),
	"severity": "high",
	"controls": ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"],
} if {
	input.phase == "response"
	some call in input.tool_calls
	some entry in data.settings.tools.deny
	_matches(entry, call)
}

# METADATA
# title: A tool call on the approval list needs approval
# description: >-
#   By `settings.tools.approve`: globs over the name, conditions over the arguments, commands in plain spellings.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"]
#   settings: ["tools.approve"]
#   remedy: >-
#     Approve the call when it does what was asked for.
verdicts contains {
	"action": "require_approval",
	"rule": "tools.approval",
	"title": "Tool call needs approval",
	"message": sprintf("the model calls %s, which is on the approval list", [call.name]),
	"severity": "high",
	"controls": ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"],
} if {
	input.phase == "response"
	not data.regate.lib.approval.given
	some call in input.tool_calls
	some entry in data.settings.tools.approve
	_matches(entry, call)
}

# METADATA
# title: A secret restored into a tool call needs approval
# description: >-
#   A secret goes back to the caller's own code, not to any tool that the model names; see `settings.restore_tools`.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.1", "ISO27001:A.8.12", "OWASP:LLM02", "OWASP:LLM06"]
#   settings: ["restore_tools"]
#   remedy: >-
#     Approve the call when the tool is the secret's own, or put the tool on the list.
verdicts contains {
	"action": "require_approval",
	"rule": "tools.restored_secret",
	"title": "Secret handed to a tool",
	"message": sprintf("%s would receive a %s of the prompt", [call.name, restored.entity]),
	"severity": "high",
	"controls": ["SOC2:CC6.1", "ISO27001:A.8.12", "OWASP:LLM02", "OWASP:LLM06"],
} if {
	input.phase == "response"
	not data.regate.lib.approval.given
	some call in input.tool_calls
	some restored in call.restores
	restored.category == "secret"
	not _may_receive(call.name)
}

_may_receive(name) if {
	some pattern in data.settings.restore_tools
	glob.match(lower(pattern), null, lower(name))
}

# An entry holds when its name does, every condition on the arguments does, and the call runs the command that it
# names. A list is for restricting, so an entry with a mistake in it holds too.
_matches(entry, call) if {
	_named(object.get(entry, "name", "*"), call.name)
	every argument, condition in object.get(entry, "arguments", {}) {
		_holds(condition, call.arguments, argument)
	}
	_runs(entry, call)
}

_named(pattern, name) if glob.match(lower(pattern), null, lower(name))

_named(pattern, name) if glob.match(commands.bare_name(pattern), null, commands.bare_name(name))

_runs(entry, _) if not is_string(object.get(entry, "runs", false))

_runs(entry, call) if commands.runs(call, entry.runs)

_holds(condition, arguments, argument) if {
	some leaf in _leaves(arguments, argument)
	is_string(leaf)
	some text in {lower(leaf), commands.plain(leaf)}
	glob.match(lower(condition.matches), null, text)
}

_holds(condition, arguments, argument) if {
	some name, value in arguments
	commands.bare_name(name) == commands.bare_name(argument)
	value > condition.above
}

_holds(condition, _, _) if not _condition(condition)

# A number, or something that is none: in Rego any string is greater than any number.
_condition(condition) if object.keys(condition) == {"matches"}

_condition(condition) if {
	object.keys(condition) == {"above"}
	is_number(condition.above)
}

_leaves(arguments, argument) := [leaf |
	some name, value in arguments
	commands.bare_name(name) == commands.bare_name(argument)
	walk(value, [_, leaf])
]
