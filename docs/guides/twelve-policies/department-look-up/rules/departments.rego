# METADATA
# title: Departments
# description: >-
#   A table says which department an owner is of, and what departments may not ask. An owner who is not in it may ask
#   nothing of those models.
# schemas:
#   - input: schema["input.schema"]
#   - data.settings.departments:
#       type: object
#       properties:
#         owners: {type: object, additionalProperties: {type: string}}
#         models: {type: object, additionalProperties: {type: array, items: {type: string}}}
#       required: [owners, models]
#       additionalProperties: false
package regate.rules.departments

# METADATA
# title: A model of some departments is denied to all others
# description: >-
#   By `settings.departments.models` (globs, each with its departments) and `settings.departments.owners`.
# scope: rule
# custom:
#   severity: medium
#   controls: ["ISO27001:A.5.15"]
#   remedy: >-
#     Ask another model, or have the owner's department entered.
verdicts contains {
	"action": "deny",
	"rule": "departments.model",
	"title": "Model of other departments",
	"message": sprintf("model %s is for %s", [model, concat(", ", departments)]),
	"severity": "medium",
	"controls": ["ISO27001:A.5.15"],
} if {
	input.phase == "request"
	some model in input.models
	some pattern, departments in data.settings.departments.models
	glob.match(pattern, null, model)
	not _of(departments)
}

_of(departments) if data.settings.departments.owners[input.agent.owner] in departments
