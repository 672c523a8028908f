# METADATA
# title: Everything may pass
# description: For measurements of the gateway itself. Nothing is masked, held or denied.
package regate

# METADATA
# title: Decision
# scope: document
# entrypoint: true
decision := {
	"action": "allow",
	"reasons": [],
	"mask": [],
	"record": "metadata",
	"response": "findings",
}
