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
# title: What each of these groups says, with what it leaves to the group `default`
# scope: document
said[group] := object.union(data.settings.groups["default"], data.settings.groups[group]) if {
	some group in groups
}
