# METADATA
# description: Say what a package, or a verdict, is for
package custom.regal.rules.regate["topic-metadata"]

import data.custom.regal.lib.regate

# Approvers and auditors read titles and descriptions; `regate policy docs` writes the reference from them.
report contains regate.violation("topic-metadata", "Say what the package is for, in METADATA", input.package) if {
	startswith(regate.package_name, "regate")
	not _told
}

report contains regate.violation("topic-metadata", "Say what the verdict is for, in METADATA", rule.head) if {
	some rule in regate.verdicts
	not _titled(rule)
}

_told if {
	some annotation in input.package.annotations
	annotation.scope == "package"
	annotation.title != ""
	annotation.description != ""
}

_titled(rule) if {
	some annotation in rule.annotations
	annotation.title != ""
}
