# METADATA
# title: Tests of endpoints
package policy_tests.endpoints

import data.policy_tests.fixtures
import data.regate

_action(change) := action if {
	action := regate.decision.action with input as object.union(fixtures.prompt, change)
}

test_known_dialects_pass if {
	_action({"dialect": "openai.chat"}) == "allow"
	_action({"dialect": "anthropic.messages"}) == "allow"
}

test_other_bodies_are_denied if {
	every dialect in ["json", "opaque", "openai.embeddings", ""] {
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

test_other_paths_without_a_body_are_denied if {
	every path in ["/v1/files", "/v1/modelsx", "/"] {
		_action({"dialect": "none", "method": "GET", "path": path}) == "deny"
	}
}

test_reason_names_the_endpoint if {
	decision := regate.decision with input as object.union(fixtures.prompt, {"dialect": "opaque"})
	decision.reasons[0].rule == "endpoints.unknown"
}
