# METADATA
# title: Settings of the asking agent
# description: Which groups of `settings/data.yaml` speak for the agent, and what they and the provider say.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.settings

# METADATA
# title: Groups
# description: The agent's groups that the settings know; `default` when they know none of them.
# scope: document
groups := known if {
	known := [group |
		some group in input.agent.groups
		data.settings.groups[group]
	]
	count(known) > 0
} else := ["default"]

# METADATA
# title: What each of these groups says
# description: >-
#   By group, with what it leaves to the group `default`. Empty when the settings have no group `default`, so that
#   nothing is permitted.
# scope: document
said := {"default": _default} if {
	groups == ["default"]
} else := {group: object.union(_default, data.settings.groups[group]) | some group in groups}

_default := data.settings.groups["default"]

# METADATA
# title: What the settings say about the provider
# description: An empty object when they do not name it.
# scope: document
provider := found if {
	found := object.get(data.settings.providers, input.provider, {})
} else := {}

# METADATA
# title: Terms by entity
# description: What the agent's groups and the provider want done with an entity in this phase, a set by name.
# scope: document
entities := {name: terms |
	some ["entities", name, _] in _own
	terms := {each | some ["entities", same, each] in _own; same == name}
}

# METADATA
# title: Terms by category
# description: What the agent's groups and the provider want done with a category in this phase, a set by name.
# scope: document
categories := {name: terms |
	some ["categories", name, _] in _own
	terms := {each | some ["categories", same, each] in _own; same == name}
}

# Sets and comprehensions, because a partial object without members is undefined in the embedded engine.
_own contains [kind, name, phases[input.phase]] if {
	some source in array.concat([group | some group in said], [provider])
	some kind in ["entities", "categories"]
	some name, phases in source[kind]
}
