# METADATA
# title: Endpoints and bodies that a parser knows
# description: >-
#   What the gateway cannot read it cannot judge, so it does not pass.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.endpoints

# METADATA
# title: An endpoint or body that no parser knows is denied
# description: >-
#   Open are `settings.endpoints.dialects` and, without a body, the lists of models.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.6", "ISO27001:A.8.23", "OWASP:LLM02"]
#   settings: ["endpoints.dialects", "endpoints.model_lists"]
#   remedy: >-
#     Use an endpoint that Regate reads (docs/reference/dialects.md).
verdicts contains {
	"action": "deny",
	"rule": "endpoints.unknown",
	"title": "Unknown endpoint",
	"message": sprintf("%s %s carries %s, which no parser knows", [input.method, input.path, _carried]),
	"severity": "medium",
	"controls": ["SOC2:CC6.6", "ISO27001:A.8.23", "OWASP:LLM02"],
} if {
	input.phase == "request"
	not _known
}

# Without a body there is nothing to inspect; only the lists of models are open.
_known if {
	input.dialect in data.settings.endpoints.dialects
} else if {
	input.dialect == "none"
	input.method in {"GET", "HEAD"}
	some pattern in data.settings.endpoints.model_lists
	glob.match(pattern, null, input.path)
}

_carried := "no body" if {
	input.dialect == "none"
} else := sprintf("a body of dialect %s", [input.dialect])
