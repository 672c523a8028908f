# METADATA
# title: Whether people approved
# description: >-
#   An approval is bound to a request, not to a policy revision, so it may have been given under other settings. Rules
#   name `given` by its full path.
# schemas:
#   - input: schema["input.schema"]
package regate.lib.approval

# METADATA
# title: An approval that satisfies the settings in force
# description: >-
#   False when fewer people, or people of other groups, agreed than `settings.approval` asks for now.
# scope: document
default given := false

given if {
	input.approval.status == "approved"
	data.settings.approval.quorum <= max([1, input.approval.quorum])
	_group_agreed
}

_group_agreed if data.settings.approval.groups == []

_group_agreed if {
	some group in data.settings.approval.groups
	group in input.approval.groups
}
