# METADATA
# title: Who may use what
# description: >-
#   A known agent may use the providers and models of its groups. This is the one topic that allows;
#   every other topic only restricts.
package regate.rules.access

import data.regate.lib.settings

# METADATA
# title: A known agent is allowed, as far as no other rule objects
# scope: rule
verdicts contains {
	"action": "allow",
	"rule": "access.agent",
	"title": "Known agent",
	"message": "a known agent may ask",
	"severity": "low",
	"controls": [],
} if {
	_known_agent
	input.phase in {"request", "response"}
}

# METADATA
# title: An unknown agent is denied
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "access.unknown_agent",
	"title": "Unknown agent",
	"message": "the caller is not a known agent",
	"severity": "high",
	"controls": ["SOC2:CC6.1"],
} if {
	not _known_agent
}

# METADATA
# title: A provider that none of the agent's groups may use is denied
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "access.provider",
	"title": "Provider not allowed",
	"message": sprintf("provider %s is not on the list of %s", [input.provider, concat(", ", settings.groups)]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1"],
} if {
	input.phase == "request"
	not _permitted("providers", input.provider)
}

# METADATA
# title: A model that none of the agent's groups may use is denied
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "access.model",
	"title": "Model not allowed",
	"message": sprintf("model %s is not on the list of %s", [_model_name, concat(", ", settings.groups)]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1"],
} if {
	input.phase == "request"
	input.dialect != "none"
	not _permitted("models", input.model)
}

_known_agent if input.agent.id != ""

_permitted(list, name) if {
	some said in settings.said
	some pattern in said[list]
	glob.match(pattern, null, name)
}

_model_name := "(not named)" if {
	input.model == ""
} else := input.model
