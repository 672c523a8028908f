# METADATA
# description: >-
#   What Regate's own rules share. They call no function of Regal's, so that OPA can load this folder too (`opa test .`).
package custom.regal.lib.regate

# METADATA
# description: The package of the file, as it is written
package_name := concat(".", [step.value | some place, step in input.package.path; place > 0])

# METADATA
# description: A finding at a node of the syntax tree
violation(title, description, node) := {
	"category": "regate",
	"title": title,
	"description": description,
	"level": "error",
	"location": {
		"file": input.regal.file.name,
		"row": row,
		"col": to_number(col),
		"text": input.regal.file.lines[row - 1],
	},
} if {
	[row_text, col, _, _] := split(node.location, ":")
	row := to_number(row_text)
}

# METADATA
# description: The verdicts of a topic
verdicts := [rule |
	startswith(package_name, "regate.rules.")
	some rule in input.rules
	rule.head.ref[0].value == "verdicts"
]
