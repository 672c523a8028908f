# METADATA
# description: The gateway asks for data.regate.decision alone
package custom.regal.rules.regate.entrypoint

import data.custom.regal.lib.regate

report contains regate.violation("entrypoint", "Only data.regate.decision is asked for", rule.head) if {
	startswith(regate.package_name, "regate")

	some rule in input.rules
	some annotation in rule.annotations
	annotation.entrypoint
	[regate.package_name, rule.head.ref[0].value] != ["regate", "decision"]
}
