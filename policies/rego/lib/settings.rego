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
# title: What the settings say about the provider
# description: An empty object when they do not name it.
# scope: document
provider := object.get(object.get(data.settings, "providers", {}), input.provider, {})

# METADATA
# title: Groups and provider with terms of their own
# description: What those of them say that speak of an entity or a category.
# scope: document
speakers := [speaker |
	some speaker in array.concat([group | some group in said], [provider])
	object.keys(speaker) & {"entities", "categories"} != set()
]

# METADATA
# title: What is done with an entity or a category
# description: >-
#   A set of terms for this phase, by kind (`entities`, `categories`) and name: those of the agent's groups and the
#   provider; what all share where these say nothing; undefined where neither says anything.
# scope: document
terms(kind, name) := own if {
	own := {said_of | some speaker in speakers; said_of := speaker[kind][name][input.phase]}
	own != set()
} else := {shared} if {
	shared := data.settings[kind][name][input.phase]
}
