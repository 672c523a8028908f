# METADATA
# title: Prompt injection
# description: >-
#   Phrases that try to override instructions, in new tool results or user text, wait for a person.
#   What stands only where the operator writes (`settings.injection`) is trusted.
package regate.rules.injection

import data.regate.lib.entities

# METADATA
# title: New injection phrases are treated as the settings say
# scope: rule
verdicts contains verdict if {
	input.findings != []
	_exposed
	some verdict in entities.verdicts("injection", {
		"title": "Prompt injection",
		"severity": "high",
		"controls": ["OWASP:LLM01"],
	})
}

_exposed if {
	some row in input.findings
	row.category == "injection"
	row.new > 0
	not _trusted(row)
}

# The settings are read inside, for `not f(data.missing)` would be undefined, and trust everybody.
_trusted(row) if _all_of(row.kinds, data.settings.injection.trusted_kinds)

_trusted(row) if _all_of(row.roles, data.settings.injection.trusted_roles)

_all_of(places, trusted) if {
	count(places) > 0
	every place in places {
		place in trusted
	}
}
