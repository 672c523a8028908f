# METADATA
# title: Proprietary code and names
# description: >-
#   License headers (`detect.licenses`), confidentiality notices, configured names and hosts.
#   By `settings.categories.code` and `settings.categories.custom`.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.code

# METADATA
# title: Markers of proprietary code are treated as the settings say
# description: >-
#   What the configuration or a license header marks as the company's own.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM02"]
#   rule: code.<action>, custom.<action>
#   settings: ["categories.code", "categories.custom", "entities", "groups.<group>.categories", "groups.<group>.entities", "providers.<provider>.categories", "providers.<provider>.entities"]
#   remedy: >-
#     Send a part that is not marked, or have the entity allowed in the settings.
verdicts contains data.regate.lib.entities.verdict(found, {
	"title": "Proprietary code or names",
	"severity": "medium",
	"controls": ["SOC2:CC6.7", "ISO27001:A.8.12", "OWASP:LLM02"],
}) if {
	some found in data.regate.lib.entities.treated
	found.category in {"code", "custom"}
}
