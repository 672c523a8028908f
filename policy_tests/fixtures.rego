# METADATA
# title: Fixtures
# description: >-
#   A harmless prompt and completion of a known agent; tests change what they are about. `models` holds what a request
#   can reach beside its `model`; the gateway puts that one on the list as well.
package policy_tests.fixtures

# METADATA
# title: A prompt with nothing in it to object to
prompt := _prompt if _settings_are_there

# Data are rooted at the folder that is named, so settings are `data.settings` for policies/rego alone.
_settings_are_there if {
	data.settings
} else := false if {
	print("data.settings is not there: type `opa test policies/rego policy_tests`, or `regate policy test`")
}

_prompt := {
	"version": 1,
	"phase": "request",
	"time": "2026-11-22T08:00:00.000000Z",
	"exchange": {"id": "x1", "session_id": "s1", "tags": {}},
	"agent": {
		"id": "support-bot", "owner": "dana", "key_id": "k1", "method": "api_key",
		"groups": [], "claims": {}, "on_behalf_of": "", "person": "",
	},
	"source": {"ip": "127.0.0.1", "user_agent": "test"},
	"provider": "openai",
	"provider_labels": {},
	"dialect": "openai.chat",
	"method": "POST",
	"path": "/v1/chat/completions",
	"model": "gpt-4.1",
	"models": [],
	"stream": false,
	"parameters": {"max_tokens": -1, "temperature": -1, "n": 1},
	"prompt": {
		"parts": [{
			"role": "user", "kind": "text", "pointer": "/messages/0/content",
			"text": "hello", "new": true,
		}],
		"characters": 5,
		"estimated_tokens": 2,
		"attachments": [],
		"unseen": [],
	},
	"tools": [],
	"tool_calls": [],
	"findings": [],
	"session": {"exchanges": 0, "denied": 0, "masked": 0, "held": 0, "tokens": 0, "entities": []},
	"usage": {
		"agent": used, "person": used, "team": used,
		"turns_in": {"agent": turns_in, "person": turns_in, "team": turns_in},
		"requests_1m": 1, "requests_1d": 1, "tokens_1m": 0, "tokens_1d": 0, "cost_1d": 0,
	},
	"approval": {
		"id": "", "status": "", "approvers": [], "groups": [],
		"quorum": -1, "note": "", "revision": "", "consents": [], "all_of": [],
	},
	"response": {"status": -1, "finish_reason": ""},
}

# METADATA
# title: What was used after one request
used := {
	"requests": {"1m": 1, "1d": 1, "1mo": 1, "day": 1, "month": 1},
	"tokens": {"1m": 0, "1d": 0, "1mo": 0, "day": 0, "month": 0},
	"cost_micros": {"1m": 0, "1d": 0, "1mo": 0, "day": 0, "month": 0},
}

# METADATA
# title: When the windows turn
turns_in := {"1m": 60, "1d": 86400, "1mo": 2592000, "day": 7200, "month": 93600}

# METADATA
# title: A completion with nothing in it to object to
completion := object.union(prompt, {
	"phase": "response",
	"response": {"status": 200, "finish_reason": "stop"},
})

# METADATA
# title: What the case files may start from
bases := {"prompt": prompt, "completion": completion}

# METADATA
# title: One row of findings in user text
row(entity, category) := {
	"entity": entity, "category": category, "count": 1, "distinct": 1, "new": 1,
	"max_score": 0.9, "roles": ["user"], "kinds": ["text"], "attributes": unknown,
}

# METADATA
# title: Attributes of values of which nothing is known
unknown := {"domains": [], "outside": [], "countries": [], "issuers": [], "internal": false, "more": false}

# METADATA
# title: A document with these rows of findings
with_rows(document, rows) := object.union(document, {"findings": rows})

# METADATA
# title: A document that people approved
approved(document) := object.union(document, {"approval": {"status": "approved"}})

# METADATA
# title: A document of an agent in these groups
in_groups(document, groups) := object.union(document, {"agent": {"groups": groups}})

# METADATA
# title: A completion that calls one tool
calling(name, arguments) := object.union(
	completion,
	{"tool_calls": [{"name": name, "arguments": arguments, "restores": [], "origins": []}]},
)
