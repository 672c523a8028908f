# METADATA
# title: Personal data
# description: >-
#   Masked in prompts and given back to the caller; redacted in the text of a completion when it is sure.
#   By `settings.categories.pii` and what `settings.entities`, groups and providers say otherwise.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.pii

# METADATA
# title: Personal data is treated as the settings say
# description: >-
#   E-mail addresses, phone numbers, cards, bank accounts, national ids and whatever else is found as `pii`.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.7", "ISO27001:A.8.11", "GDPR:Art.5", "GDPR:Art.32", "OWASP:LLM02"]
#   rule: pii.<action>
#   settings: ["categories.pii", "entities", "groups.<group>.categories", "groups.<group>.entities", "providers.<provider>.categories", "providers.<provider>.entities"]
#   remedy: >-
#     Leave personal data out, or have the entity allowed for the group or provider in the settings.
verdicts contains data.regate.lib.entities.verdict(found, {
	"title": "Personal data",
	"severity": "medium",
	"controls": ["SOC2:CC6.7", "ISO27001:A.8.11", "GDPR:Art.5", "GDPR:Art.32", "OWASP:LLM02"],
}) if {
	some found in data.regate.lib.entities.treated
	found.category == "pii"
}
