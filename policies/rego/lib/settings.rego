# METADATA
# title: Settings of the asking agent
# description: >-
#   What `settings/data.yaml` says for the agent's groups and the provider. Rules name these by their full path:
#   after an import of the package, the embedded engine evaluates all of it for each rule.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.settings

# METADATA
# title: What each of the agent's groups says
# description: >-
#   By group, with what it leaves to the group `default`, which speaks alone when the settings know none of them.
#   Undefined when the settings have no group `default`, so that nothing is permitted.
# scope: document
said := _or_default({group: object.union(data.settings.groups["default"], own) |
	some group in input.agent.groups
	own := data.settings.groups[group]
})

_or_default(known) := known if {
	known != {}
} else := {"default": data.settings.groups["default"]}

# METADATA
# title: What the agent's team says
# description: >-
#   The team is the first of the agent's groups, and `default` where it has none. By its name, with what it leaves to the
#   group `default`.
# scope: document
team := {_team: object.union(data.settings.groups["default"], _of_team)}

default _of_team := {}

_of_team := data.settings.groups[_team]

default _team := "default"

_team := input.agent.groups[0]

# METADATA
# title: What the settings say about the provider
# description: An empty object when they do not name it.
# scope: document
default provider := {}

provider := data.settings.providers[input.provider]

# METADATA
# title: Limits that hold whatever a group permits
# description: >-
#   What `only` and `deny` say for the group `default`, the agent's groups, the provider, its labels and the agent itself, each
#   with whose limit it is in `by`. None of them widens another, so those of `default` are everyone's.
# scope: document
limits := array.concat(array.concat(_of_groups, _of_provider), array.concat(_of_agent, _of_labels))

_of_groups := [object.union(own, {"by": sprintf("group %s", [group])}) |
	some group in array.concat(["default"], input.agent.groups)
	own := data.settings.groups[group]
	_limits(own)
]

_of_provider := [object.union(provider, {"by": sprintf("provider %s", [input.provider])})] if {
	_limits(provider)
} else := []

_of_agent := [object.union(own, {"by": sprintf("agent %s", [input.agent.id])})] if {
	own := data.settings.agents[input.agent.id]
	_limits(own)
} else := []

_of_labels := [object.union(own, {"by": sprintf("label %s", [label])}) |
	some name, value in input.provider_labels
	label := concat("=", [name, value])
	own := data.settings.labels[label]
]

_limits(own) if {
	own.only
} else if {
	own.deny
}

# METADATA
# title: Groups and provider with terms of their own
# description: What those of them say that speak of an entity or a category.
# scope: document
speakers := [speaker |
	some speaker in array.concat([group | some group in said], [provider])
	object.keys(speaker) & {"entities", "categories"} != set()
]

# METADATA
# title: What the settings say about the format of the body
# description: An empty object when they do not name it.
# scope: document
default dialect := {}

dialect := data.settings.dialects[input.dialect]

# METADATA
# title: What is done with an entity or a category
# description: >-
#   A set of terms for this phase, by kind (`entities`, `categories`) and name: those of the agent's groups and the
#   provider; where these say nothing those of the dialect, then what all share; undefined where none says anything.
#   Step by step: of several variables in one reference the embedded engine makes four times the work.
# scope: document
terms(kind, name) := own if {
	own := {said_of |
		some speaker in speakers
		of_kind := speaker[kind]
		of_name := of_kind[name]
		said_of := of_name[input.phase]
	}
	own != set()
} else := {said_of} if {
	of_kind := dialect[kind]
	of_name := of_kind[name]
	said_of := of_name[input.phase]
} else := {shared} if {
	of_kind := data.settings[kind]
	of_name := of_kind[name]
	shared := of_name[input.phase]
}
