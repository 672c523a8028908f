# METADATA
# title: Tests of endpoints
package policy_tests.endpoints

import data.policy_tests.fixtures
import data.regate

_known := {
	"openai.chat", "openai.responses", "openai.completions", "openai.fim", "openai.embeddings", "openai.moderations",
	"openai.rerank", "openai.images", "openai.audio", "openai.files", "openai.batches", "anthropic.files",
	"anthropic.messages", "anthropic.count_tokens", "anthropic.batches",
	"gemini.generate", "gemini.count_tokens", "gemini.embeddings",
	"ollama.chat", "ollama.generate", "ollama.embeddings",
	"bedrock.converse", "bedrock.anthropic", "bedrock.count_tokens",
}

_action(change) := action if {
	action := regate.decision.action with input as object.union(fixtures.prompt, change)
}

test_known_dialects_pass if {
	every dialect in _known {
		_action({"dialect": dialect}) == "allow"
	}
}

test_other_bodies_are_denied if {
	every dialect in ["json", "opaque", "form", "lines", "openai.uploads", "openai.embedding", ""] {
		_action({"dialect": dialect}) == "deny"
	}
}

test_model_lists_may_be_read if {
	every path in ["/v1/models", "/models", "/base/v1/models/gpt-4.1"] {
		_action({"dialect": "none", "method": "GET", "path": path, "model": ""}) == "allow"
		_action({"dialect": "none", "method": "HEAD", "path": path, "model": ""}) == "allow"
	}
}

test_model_lists_may_not_be_written if {
	every method in ["POST", "DELETE", "PUT", "get"] {
		_action({"dialect": "none", "method": method, "path": "/v1/models/gpt-4.1"}) == "deny"
	}
}

test_a_client_may_ask_whether_a_provider_is_there if {
	every path in ["", "/"] {
		_action({"dialect": "none", "method": "HEAD", "path": path, "model": ""}) == "allow"
		_action({"dialect": "none", "method": "GET", "path": path, "model": ""}) == "deny"
	}
	_action({"dialect": "none", "method": "HEAD", "path": "/v1", "model": ""}) == "deny"
	_action({"dialect": "json", "method": "HEAD", "path": "/", "model": ""}) == "deny"
}

test_lists_of_a_provider_may_be_opened if {
	document := {"dialect": "none", "method": "GET", "path": "/v1/files", "model": ""}
	every outcome in [["openai", "allow"], ["anthropic", "deny"]] {
		asked := object.union(document, {"provider": outcome[0]})
		_action(asked) == outcome[1] with data.settings.providers as {"openai": {"lists": ["*/files"]}}
	}
	posted := object.union(document, {"method": "DELETE"})
	_action(posted) == "deny" with data.settings.providers as {"openai": {"lists": ["*/files"]}}
}

test_other_paths_without_a_body_are_denied if {
	every path in ["/v1/files", "/v1/modelsx", "/"] {
		_action({"dialect": "none", "method": "GET", "path": path}) == "deny"
	}
}

_binary(phase, allowed) := action if {
	document := object.union(fixtures.prompt, {
		"phase": phase, "dialect": "opaque",
		"prompt": object.union(fixtures.prompt.prompt, {"attachments": [{"kind": "file", "media_type": "image/PNG"}]}),
	})
	action := regate.decision.action with input as document
		with data.settings.endpoints.dialects as ["opaque"]
		with data.settings.endpoints.binary_bodies as allowed
}

test_bodies_that_are_not_text_pass_by_their_type_only if {
	_binary("request", ["image/*"]) == "allow"
	_binary("request", ["audio/*"]) == "deny"
	_binary("request", []) == "deny"
}

test_an_answer_is_not_denied_for_the_body_it_answers if {
	_binary("response", []) == "allow"
}

test_reason_names_the_endpoint if {
	decision := regate.decision with input as object.union(fixtures.prompt, {"dialect": "opaque"})
	decision.reasons[0].rule == "endpoints.unknown"
}
