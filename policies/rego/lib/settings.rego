# METADATA
# title: Settings of the asking agent
# description: Which groups of `settings/data.yaml` speak for the agent, and what they say.
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
# title: A group's own setting, else that of the group `default`
of(group, key) := object.get(data.settings.groups[group], key, data.settings.groups["default"][key])
