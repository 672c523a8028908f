# METADATA
# title: Prompt injection
# description: >-
#   Phrases that try to override instructions wait for a person where others write: in new tool results, fetched pages,
#   documents and fields. In the operator's, the user's and the model's own words (`settings.injection`) they are recorded.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.injection

# METADATA
# title: New injection phrases are treated as the settings say
# description: >-
#   Held by default, for a phrase in a web page or a ticket may steer the agent.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.8", "ISO27001:A.8.7", "OWASP:LLM01"]
#   rule: injection.<action>
#   settings: ["injection.trusted_kinds", "injection.trusted_roles", "categories.injection", "entities", "groups.<group>.categories", "groups.<group>.entities", "providers.<provider>.categories", "providers.<provider>.entities"]
#   remedy: >-
#     Look where the text came from; approve it when it only speaks about such phrases. To hold them in the user's words as
#     well, take `user` from `injection.trusted_roles`.
verdicts contains data.regate.lib.entities.verdict(found, {
	"title": "Prompt injection",
	"severity": "high",
	"controls": ["SOC2:CC6.8", "ISO27001:A.8.7", "OWASP:LLM01"],
}) if {
	some found in data.regate.lib.entities.treated
	found.category == "injection"
	_exposed
}

_exposed if {
	some row in input.findings
	row.category == "injection"
	row.new > 0
	not _trusted(row)
}

# The settings are read inside, for `not f(data.missing)` would be undefined, and trust everybody.
_trusted(row) if _all_of(row.kinds, data.settings.injection.trusted_kinds)

# What a tool, a page or a document says is not the role's own words, under whichever role it comes.
_trusted(row) if {
	_all_of(row.roles, data.settings.injection.trusted_roles)
	not _brought(row)
}

_brought(row) if {
	some kind in row.kinds
	kind in {"tool_result", "field"}
}

_all_of(places, trusted) if {
	count(places) > 0
	every place in places {
		place in trusted
	}
}
