# METADATA
# description: The name in a verdict begins with its topic
package custom.regal.rules.regate["rule-name"]

import data.custom.regal.lib.regate

# Waivers and `log_only` name rules, and a reader finds the file by the topic.
report contains regate.violation("rule-name", sprintf("Begin the name with %s.", [topic]), value) if {
	topic := split(regate.package_name, ".")[2]

	some rule in regate.verdicts
	some [key, value] in rule.head.key.value
	key.value == "rule"
	value.type == "string"
	not startswith(value.value, concat("", [topic, "."]))
}
