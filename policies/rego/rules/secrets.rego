# METADATA
# title: Secrets
# description: >-
#   API keys, tokens and passwords are masked and given back to the caller; a private key in a prompt is denied.
#   By `settings.categories.secret` and `settings.entities.PRIVATE_KEY`.
package regate.rules.secrets

import data.regate.lib.entities

# METADATA
# title: Secrets are treated as the settings say
# scope: rule
verdicts contains verdict if {
	input.findings != []
	some verdict in entities.verdicts("secret", {
		"title": "Secrets",
		"severity": "high",
		"controls": ["SOC2:CC6.1", "OWASP:LLM02"],
	})
}
