# METADATA
# title: Personal data
# description: Masked in prompts and given back to the caller; redacted when the model produces it. By `settings.categories.pii`.
package regate.rules.pii

import data.regate.lib.entities

# METADATA
# title: Personal data is treated as the settings say
# scope: rule
verdicts contains verdict if {
	input.findings != []
	some verdict in entities.verdicts("pii", {
		"title": "Personal data",
		"severity": "medium",
		"controls": ["SOC2:CC6.7", "OWASP:LLM02"],
	})
}
