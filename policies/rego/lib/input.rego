# METADATA
# title: Whether the input can be judged
# description: >-
#   A value of another type would be an error of a built-in in one engine and nothing in the other, by the order in which
#   they go through the rules. A key that is missing is undefined in both. `main.rego` names `broken` by its full path.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.input

# METADATA
# title: A value of a type that rules do not expect
# description: False for whatever the gateway makes, with all keys or without some.
# scope: document
default broken := false

broken if {
	some key, type in {
		"agent": "object", "approval": "object", "dialect": "string", "findings": "array", "method": "string",
		"model": "string", "models": "array", "path": "string", "phase": "string", "prompt": "object",
		"provider": "string", "provider_labels": "object", "session": "object", "time": "string",
		"tool_calls": "array", "tools": "array", "usage": "object",
	}
	type_name(input[key]) != type
} else if {
	not is_array(_groups)
} else if {
	some word in input.models
	not is_string(word)
} else if {
	some group in _groups
	not is_string(group)
} else if {
	some label in input.provider_labels
	not is_string(label)
} else if {
	some list in ["findings", "tool_calls", "tools"]
	some row in input[list]
	not is_object(row)
} else if {
	some call in input.tool_calls
	not is_string(object.get(call, "name", ""))
}

default _groups := []

_groups := input.agent.groups
