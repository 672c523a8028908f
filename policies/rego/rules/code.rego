# METADATA
# title: Proprietary code and names
# description: Licence headers, confidentiality notices, configured names and hosts. By `settings.categories.code` and `.custom`.
package regate.rules.code

import data.regate.lib.entities

# METADATA
# title: Markers of proprietary code are treated as the settings say
# scope: rule
verdicts contains verdict if {
	input.findings != []
	some category in ["code", "custom"]
	some verdict in entities.verdicts(category, {
		"title": "Proprietary code or names",
		"severity": "medium",
		"controls": ["SOC2:CC6.7"],
	})
}
