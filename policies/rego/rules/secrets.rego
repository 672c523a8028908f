# METADATA
# title: Secrets
# description: >-
#   API keys, tokens and passwords are masked and given back to the caller; a private key in a prompt is denied. What the
#   model says itself is redacted in text when it is sure.
#   By `settings.categories.secret` and `settings.entities.PRIVATE_KEY`.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.secrets

# METADATA
# title: Secrets are treated as the settings say
# description: >-
#   Credentials of any kind that stand in a prompt or a completion.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.1", "ISO27001:A.8.12", "OWASP:LLM02"]
#   rule: secret.<action>
#   settings: ["categories.secret", "entities", "groups.<group>.categories", "groups.<group>.entities", "providers.<provider>.categories", "providers.<provider>.entities"]
#   remedy: >-
#     Take the secret out of the prompt, and renew it when it has left the house before.
verdicts contains data.regate.lib.entities.verdict(found, {
	"title": "Secrets",
	"severity": "high",
	"controls": ["SOC2:CC6.1", "ISO27001:A.8.12", "OWASP:LLM02"],
}) if {
	some found in data.regate.lib.entities.treated
	found.category == "secret"
}
