# METADATA
# title: Who may use what
# description: >-
#   A known agent may use the providers and models of its groups. This is the one topic that allows;
#   every other topic only restricts.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.access

# METADATA
# title: A known agent is allowed, as far as no other rule objects
# description: >-
#   The one positive allow that the decision needs.
# scope: rule
# custom:
#   severity: low
#   controls: []
#   settings: []
#   remedy: >-
#     Nothing to remedy.
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
# description: >-
#   The gateway knows agents by their key; an empty id is no agent.
# scope: rule
# custom:
#   severity: high
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15"]
#   settings: []
#   remedy: >-
#     Use a key made by `regate keys create`.
verdicts contains {
	"action": "deny",
	"rule": "access.unknown_agent",
	"title": "Unknown agent",
	"message": "the caller is not a known agent",
	"severity": "high",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15"],
} if {
	not _known_agent
}

# METADATA
# title: A provider that none of the agent's groups may use is denied
# description: >-
#   By `groups.<group>.providers`, globs.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15"]
#   settings: ["groups.<group>.providers"]
#   remedy: >-
#     Ask another provider, or have the provider added to the group.
verdicts contains {
	"action": "deny",
	"rule": "access.provider",
	"title": "Provider not allowed",
	"message": sprintf("provider %s is not on the list of %s", [input.provider, _groups]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15"],
} if {
	input.phase == "request"
	not _permitted("providers", input.provider)
}

# METADATA
# title: A model that none of the agent's groups may use is denied
# description: >-
#   By `groups.<group>.models`, globs. Every model that the request can reach must be allowed: fallbacks and the
#   models of tools as well.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15"]
#   settings: ["groups.<group>.models"]
#   remedy: >-
#     Ask another model, or have the model added to the group.
verdicts contains {
	"action": "deny",
	"rule": "access.model",
	"title": "Model not allowed",
	"message": sprintf("model %s is not on the list of %s", [_shown(model), _groups]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15"],
} if {
	input.phase == "request"
	_asks_a_model
	some model in _models
	not _permitted("models", model)
}

# METADATA
# title: A model that the provider is not used for is denied
# description: >-
#   By `providers.<provider>.models`, globs; no list is no limit. Every model that the request can reach must be on it.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15"]
#   settings: ["providers.<provider>.models"]
#   remedy: >-
#     Ask another model, or have the model added to the provider in the settings.
verdicts contains {
	"action": "deny",
	"rule": "access.provider_model",
	"title": "Model not allowed",
	"message": sprintf("model %s is not on the list of provider %s", [_shown(model), input.provider]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15"],
} if {
	input.phase == "request"
	_asks_a_model
	some model in _models
	not _offered(model)
}

_known_agent if input.agent.id != ""

# A request without a body asks none; what it fetches was answered before.
_asks_a_model if {
	input.dialect != "none"
	not _asks_for_a_stored_answer
}

_asks_for_a_stored_answer if {
	input.dialect == "openai.responses"
	input.method == "GET"
}

_asks_for_a_stored_answer if {
	input.dialect == "openai.responses"
	glob.match("*/responses/*/cancel", null, input.path)
}

_permitted(list, name) if {
	some said in data.regate.lib.settings.said
	"*" in said[list]
} else if {
	some said in data.regate.lib.settings.said
	some pattern in said[list]
	glob.match(pattern, null, name)
}

_offered(model) if {
	some pattern in object.get(data.regate.lib.settings.provider, "models", ["*"])
	glob.match(pattern, null, model)
}

_groups := concat(", ", object.keys(data.regate.lib.settings.said))

# A request that names no model reaches one all the same, so it counts as one without a name.
_models := {""} if {
	input.models == []
	input.model == ""
} else := ({input.model} | {model | some model in input.models}) - {""}

_shown(model) := "(not named)" if {
	model == ""
} else := model
