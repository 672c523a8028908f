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
entities := _own("entities")

# METADATA
# title: Terms by category
# description: What the agent's groups and the provider want done with a category in this phase, a set by name.
# scope: document
categories := _own("categories")

# A comprehension, because a partial object without members is undefined in the embedded engine.
_own(kind) := {name: terms |
	some source in _sources
	some name, _ in object.get(source, kind, {})
	terms := {phases[input.phase] |
		some each in _sources
		phases := each[kind][name]
	}
	count(terms) > 0
}

_sources := [source |
	some source in array.concat([group | some group in said], [provider])
	object.keys(source) & {"entities", "categories"} != set()
]
