# METADATA
# title: Tool calls
# description: >-
#   What the model asks the agent to do, judged before the agent sees it, and what the agent asks an MCP server to do.
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
#   shell or an interpreter has to compute first is not seen: variables, encodings, aliases, downloaded programs. A tool
#   that the provider runs itself is denied where it is offered, by its type or a name.
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
	"message": sprintf("%s, which is on the deny list", [act.said]),
	"severity": "high",
	"controls": ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"],
} if {
	some act in _acts
	some entry in data.settings.tools.deny
	_matches(entry, act.call)
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
	"message": sprintf("%s, which is on the approval list", [act.said]),
	"severity": "high",
	"controls": ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"],
} if {
	not data.regate.lib.approval.given
	some act in _acts
	some entry in data.settings.tools.approve
	_matches(entry, act.call)
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

# METADATA
# title: A value that flows where a list forbids it is denied
# description: >-
#   By the entries of `settings.tools.flows` whose action is deny: no value out of these results, fetched pages for
#   example, may go into the arguments of these tools. What the model reworded, translated or encoded is not seen.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM01", "OWASP:LLM06"]
#   settings: ["tools.flows"]
#   remedy: >-
#     Give the value in your own words, or have the entry changed.
verdicts contains {
	"action": "deny",
	"rule": "tools.flow_denied",
	"title": "Value from a source that may not go there",
	"message": sprintf("%s would receive a value that stands in %s", [call.name, _named_source(source)]),
	"severity": "high",
	"controls": ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM01", "OWASP:LLM06"],
} if {
	some call in input.tool_calls
	some source in _flowing(call, "deny")
}

# METADATA
# title: A value that flows where a list asks for approval needs one
# description: >-
#   By the entries of `settings.tools.flows` whose action is require_approval.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM01", "OWASP:LLM06"]
#   settings: ["tools.flows"]
#   remedy: >-
#     Approve the call when the value was meant to go there.
verdicts contains {
	"action": "require_approval",
	"rule": "tools.flow_approval",
	"title": "Value from another source needs approval",
	"message": sprintf("%s would receive a value that stands in %s", [call.name, _named_source(source)]),
	"severity": "high",
	"controls": ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM01", "OWASP:LLM06"],
} if {
	not data.regate.lib.approval.given
	some call in input.tool_calls
	some source in _flowing(call, "require_approval")
}

_flowing(call, action) := {source |
	some flow in object.get(data.settings.tools, "flows", [])
	flow.action == action
	_named(flow.to, call.name)
	some origin in call.origins
	_into(flow, split(origin.pointer, "/")[1])
	some source in origin.from
	_out_of(object.get(flow, "from", {}), source)
}

_into(flow, _) if not flow.arguments

_into(flow, argument) if {
	some name in flow.arguments
	commands.bare_name(name) == commands.bare_name(argument)
}

_out_of(from, source) if {
	source.role in object.get(from, "roles", [source.role])
	source.kind in object.get(from, "kinds", _usual_kinds(from, source))
	_by_tool(from, source)
}

# Without `roles` and `kinds` an entry speaks of results.
_usual_kinds(from, source) := [source.kind] if from.roles

_usual_kinds(from, _) := ["tool_result"] if not from.roles

_by_tool(from, _) if not from.tools

# A result whose tool the prompt does not name may be any tool's.
_by_tool(_, source) if {
	source.kind == "tool_result"
	source.tool == ""
}

_by_tool(from, source) if {
	some pattern in from.tools
	_named(pattern, source.tool)
	source.kind == "tool_result"
}

_named_source(source) := sprintf("a result of %s", [source.tool]) if source.tool != ""

_named_source(source) := sprintf("%s of the role %s", [source.kind, source.role]) if source.tool == ""

# METADATA
# title: A tool call outside a limit is denied
# description: >-
#   By `only.tools` and `deny.tools` of a group, a provider or an agent, globs over names as in `settings.tools`.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"]
#   settings: ["groups.<group>.only", "groups.<group>.deny", "providers.<provider>.only", "agents.<agent>.only"]
#   remedy: >-
#     Do it by hand, or have the limit changed.
verdicts contains {
	"action": "deny",
	"rule": "tools.limit",
	"title": "Tool outside a limit",
	"message": sprintf("%s, which is outside the limits of %s", [act.said, limit.by]),
	"severity": "high",
	"controls": ["SOC2:CC6.3", "ISO27001:A.8.18", "OWASP:LLM06"],
} if {
	some limit in data.regate.lib.settings.limits
	some act in _acts
	_outside(limit, act.call.name)
}

# METADATA
# title: An offered tool that looks different from what it is pinned to is denied
# description: >-
#   By `settings.tools.pins`: the shape of its arguments, as a digest, for each name.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC8.1", "ISO27001:A.8.32", "OWASP:LLM03", "OWASP:LLM06"]
#   settings: ["tools.pins"]
#   remedy: >-
#     Offer the tool as it was pinned, or have the new shape looked at and its digest added.
verdicts contains {
	"action": "deny",
	"rule": "tools.pinned",
	"title": "Tool differs from its pin",
	"message": sprintf("the arguments of the tool %s have the shape %q, which is not what it is pinned to", [tool.name, tool.schema_digest]),
	"severity": "high",
	"controls": ["SOC2:CC8.1", "ISO27001:A.8.32", "OWASP:LLM03", "OWASP:LLM06"],
} if {
	some name, digests in data.settings.tools.pins
	some tool in input.tools
	commands.bare_name(tool.name) == commands.bare_name(name)
	not tool.schema_digest in digests
}

_outside(limit, name) if {
	some pattern in limit.deny.tools
	_named(pattern, name)
}

_outside(limit, name) if {
	some allowed in [limit.only.tools]
	not _listed(allowed, name)
}

_listed(patterns, name) if {
	some pattern in patterns
	_named(pattern, name)
}

_acts contains {"call": call, "said": sprintf("%s calls %s", [_caller, call.name])} if {
	_asked_for
	some call in input.tool_calls
}

# What a provider runs comes back when it is over: it is judged where it is offered. With which arguments is not known
# then, so entries that ask for those do not hold.
_acts contains {"call": {"name": tool.hosted}, "said": sprintf("the agent offers %s, which the provider runs", [tool.hosted])} if {
	input.phase == "request"
	some tool in input.tools
	tool.hosted != ""
}

# In a completion the model asks for a call; to an MCP server the agent makes it itself.
_asked_for if input.phase == "response"

_asked_for if input.dialect == "mcp"

_caller := object.get({"request": "the agent"}, input.phase, "the model")

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
