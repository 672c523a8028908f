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
#   Open are `settings.endpoints.dialects` and, without a body, the lists of models, those that a provider's own settings
#   open, and HEAD at a provider's base.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.6", "ISO27001:A.8.23", "OWASP:LLM02"]
#   settings: ["endpoints.dialects", "endpoints.model_lists", "providers.<provider>.lists"]
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

# METADATA
# title: A body, or a file in a form, that is not text is denied
# description: >-
#   Nothing was found in it because nothing could be looked for. Files of known formats pass where their form
#   does: images, audio, video, documents. Open are else the content types of
#   `settings.endpoints.binary_bodies` (globs), none by default.
# scope: rule
# custom:
#   severity: medium
#   controls: ["SOC2:CC6.6", "ISO27001:A.8.23", "OWASP:LLM02"]
#   settings: ["endpoints.binary_bodies"]
#   remedy: >-
#     Send text in UTF-8, or have the content type added to the setting.
verdicts contains {
	"action": "deny",
	"rule": "endpoints.binary_body",
	"title": "Body cannot be read",
	"message": sprintf("the body of type %q is not UTF-8 text, so it cannot be inspected", [body.media_type]),
	"severity": "medium",
	"controls": ["SOC2:CC6.6", "ISO27001:A.8.23", "OWASP:LLM02"],
} if {
	input.phase == "request"
	some body in input.prompt.attachments
	_is_unread(body)
	not _may_be_unread(body.media_type)
}

_is_unread(_) if input.dialect == "opaque"

# Its format is not known: it may be text in disguise.
_is_unread(body) if body.kind == "opaque"

# No dialect says what the files of an unknown form are for.
_is_unread(_) if input.dialect == "form"

_may_be_unread(media_type) if {
	some pattern in data.settings.endpoints.binary_bodies
	glob.match(lower(pattern), null, lower(media_type))
}

# Without a body there is nothing to inspect; only the lists of models are open.
_known if {
	input.dialect in data.settings.endpoints.dialects
} else if {
	input.dialect == "none"
	input.method in {"GET", "HEAD"}
	some pattern in array.concat(data.settings.endpoints.model_lists, _lists_of_the_provider)
	glob.match(pattern, null, input.path)
} else if {
	# Is the provider there? Claude Code asks before its first prompt.
	input.dialect == "none"
	input.method == "HEAD"
	input.path in {"", "/"}
}

_lists_of_the_provider := object.get(data.regate.lib.settings.provider, "lists", [])

_carried := "no body" if {
	input.dialect == "none"
} else := sprintf("a body of dialect %s", [input.dialect])
