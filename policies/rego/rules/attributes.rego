# METADATA
# title: Values by what is known of them
# description: >-
#   Addresses of other companies, accounts of some countries, cards of some issuers: what policy may know of a value it never
#   sees. By `settings.attributes`, which is empty as shipped.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.attributes

# METADATA
# title: New values that an entry of the settings is about are denied or need approval
# description: >-
#   An entry names an entity, and what all of its values must be (`other_than`) or none may be (`of`): `internal`,
#   `domains`, `countries`, `issuers`. Of a value of which that is not known, an entry holds.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.7", "ISO27001:A.5.14", "ISO27001:A.8.12", "GDPR:Art.44"]
#   rule: attributes.<action>
#   settings: ["attributes"]
#   remedy: >-
#     Leave these values out, approve them, or have the entry changed.
verdicts contains {
	"action": entry.action,
	"rule": sprintf("attributes.%s", [entry.action]),
	"title": "Values that may not go there",
	"message": sprintf("%s is new, and some of its values may be such as may not go there", [row.entity]),
	"severity": "high",
	"controls": ["SOC2:CC6.7", "ISO27001:A.5.14", "ISO27001:A.8.12", "GDPR:Art.44"],
} if {
	some entry in data.settings.attributes
	_asks(entry)
	some row in input.findings
	row.entity == entry.entity
	row.new > 0
	_stands(entry, row)
	_holds(entry, row.attributes)
}

_asks(entry) if {
	input.phase in object.get(entry, "phases", ["request"])
	not _answered(entry)
}

_answered(entry) if {
	entry.action == "require_approval"
	data.regate.lib.approval.given
}

_stands(entry, _) if not entry.kinds

_stands(entry, row) if {
	some kind in row.kinds
	kind in entry.kinds
}

_holds(entry, known) if {
	entry.other_than
	not _all(entry.other_than, known)
}

_holds(entry, known) if {
	some list, patterns in entry.of
	list != "internal"
	some one in known[list]
	_fits(patterns, one)
}

_holds(entry, known) if {
	entry.of.internal
	known.domains != known.outside
}

_holds(_, known) if known.more

_all(wanted, known) if {
	some list in object.keys(wanted)
	_each_is(list, wanted, known)
}

_each_is("internal", _, known) if known.internal

# Of addresses, only those outside are asked about when the company's own may go anyway.
_each_is("domains", wanted, known) if {
	wanted.internal
	_each_fits(wanted.domains, known.outside)
}

_each_is("domains", wanted, known) if _each_fits(wanted.domains, known.domains)

_each_is(list, wanted, known) if {
	list in {"countries", "issuers"}
	_each_fits(wanted[list], known[list])
}

_each_fits(patterns, told) if {
	count(told) > 0
	every one in told {
		one != ""
		_fits(patterns, one)
	}
}

# What is not known may be what the entry is about.
_fits(patterns, one) if {
	some pattern in patterns
	glob.match(lower(pattern), null, lower(one))
}

_fits(_, "") := true
