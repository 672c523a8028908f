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

# METADATA
# title: A provider or model outside a limit is denied
# description: >-
#   By `only` and `deny` of a group, a provider or an agent, globs. A limit holds whatever other groups permit: of all limits
#   each one has to let it pass.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15"]
#   settings: ["groups.<group>.only", "groups.<group>.deny", "providers.<provider>.only", "agents.<agent>.only"]
#   remedy: >-
#     Ask another provider or model, or have the limit changed.
verdicts contains {
	"action": "deny",
	"rule": "access.limit",
	"title": "Outside a limit",
	"message": sprintf("%s %s is outside the limits of %s", [kind, _shown(name), limit.by]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15"],
} if {
	input.phase == "request"
	some limit in data.regate.lib.settings.limits
	some [kind, list, name] in _asked
	_outside(limit, list, name)
}

# METADATA
# title: A provider whose labels are outside a limit is denied
# description: >-
#   By `only.labels` and `deny.labels` of a group or an agent, globs over the values of `labels` in regate.yaml. A provider
#   without the label is outside of `only`.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.1", "ISO27001:A.5.15", "ISO27001:A.5.23", "GDPR:Art.44"]
#   settings: ["groups.<group>.only", "groups.<group>.deny", "agents.<agent>.only"]
#   remedy: >-
#     Ask a provider that has the label, or have the limit changed.
verdicts contains {
	"action": "deny",
	"rule": "access.label",
	"title": "Provider outside a limit",
	"message": sprintf("provider %s is outside the limit of %s on the label %s", [input.provider, limit.by, label]),
	"severity": "medium",
	"controls": ["SOC2:CC6.1", "ISO27001:A.5.15", "ISO27001:A.5.23", "GDPR:Art.44"],
} if {
	input.phase == "request"
	some limit in data.regate.lib.settings.limits
	some label in (object.keys(object.get(limit, ["only", "labels"], {})) | object.keys(object.get(limit, ["deny", "labels"], {})))
	_mislabeled(limit, label)
}

_mislabeled(limit, label) if {
	some pattern in limit.deny.labels[label]
	glob.match(lower(pattern), null, lower(input.provider_labels[label]))
}

_mislabeled(limit, label) if {
	some allowed in [limit.only.labels[label]]
	not _listed(allowed, object.get(input.provider_labels, label, ""))
}

_asked contains ["provider", "providers", input.provider]

_asked contains ["model", "models", model] if {
	_asks_a_model
	some model in _models
}

# Some providers read names in any case: what denies has to match as they do.
_outside(limit, list, name) if {
	some pattern in limit.deny[list]
	glob.match(lower(pattern), null, lower(name))
}

_outside(limit, list, name) if {
	some allowed in [limit.only[list]]
	not _listed(allowed, name)
}

_listed(patterns, name) if {
	some pattern in patterns
	glob.match(pattern, null, name)
}

_known_agent if input.agent.id != ""

# A request without a body asks none, for what it fetches was answered before; a tool server has none. What is kept
# for later names the models that are to read it, if any do.
_asks_a_model if {
	not input.dialect in {"none", "mcp"}
	not _asks_for_a_stored_answer
	not _keeps_something
}

_keeps_something if {
	input.models == []
	glob.match(_kept[input.dialect], null, input.path)
}

_kept := {
	"openai.chat": "*/chat/completions/*",
	"openai.files": "*",
	"openai.uploads": "*",
	"anthropic.files": "*",
}

_asks_for_a_stored_answer if {
	input.method in {"GET", "DELETE"}
	glob.match(_stored[input.dialect], null, input.path)
}

_stored := {
	"openai.responses": "*/responses/*",
	"openai.chat": "*/chat/completions/*",
	"openai.files": "*/files/*",
	"openai.batches": "*/batches/*",
	"anthropic.files": "*/files/*",
	"anthropic.batches": "*/batches/*",
}

_asks_for_a_stored_answer if {
	stem := trim_suffix(input.path, "/cancel")
	stem != input.path
	glob.match(_stored[input.dialect], null, stem)
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
