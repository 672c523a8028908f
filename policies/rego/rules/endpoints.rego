# METADATA
# title: Endpoints and bodies that a parser knows
# description: What the gateway cannot read it cannot judge, so it does not pass.
package regate.rules.endpoints

# METADATA
# title: An endpoint or body that no parser knows is denied
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "endpoints.unknown",
	"title": "Unknown endpoint",
	"message": sprintf("%s %s carries %s, which no parser knows", [input.method, input.path, _carried]),
	"severity": "medium",
	"controls": ["OWASP:LLM02"],
} if {
	input.phase == "request"
	not _known
}

_known if input.dialect in data.settings.endpoints.dialects

# Without a body there is nothing to inspect; only the lists of models are open.
_known if {
	input.dialect == "none"
	input.method in {"GET", "HEAD"}
	some pattern in data.settings.endpoints.model_lists
	glob.match(pattern, null, input.path)
}

_carried := "no body" if {
	input.dialect == "none"
} else := sprintf("a body of dialect %s", [input.dialect])
