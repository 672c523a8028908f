# METADATA
# title: What the end-to-end tests ask for
# description: The action that a test wants, by the groups of the asking agent, on top of the shipped policy.
package regate.rules.e2e

# METADATA
# title: Hold every prompt of some groups
# scope: rule
verdicts contains {
	"action": "require_approval",
	"rule": "e2e.hold",
	"title": "Held by the test",
	"message": "this agent's prompts need approval",
	"severity": "high",
	"controls": [],
	"approval": _terms[group],
} if {
	input.phase == "request"
	input.approval.status != "approved"
	some group in input.agent.groups
}

_terms := {
	"hold-briefly": {"wait_seconds": 0.5, "expires_seconds": 900},
	"hold-long": {"wait_seconds": 45, "expires_seconds": 900},
	"hold-expiring": {"wait_seconds": 10, "expires_seconds": 1},
	"hold-by-two": {"wait_seconds": 0.5, "expires_seconds": 900, "quorum": 2},
	"hold-for-security": {"wait_seconds": 0.5, "expires_seconds": 900, "groups": ["security"]},
}

# METADATA
# title: Hold for ever, whatever people say
# scope: rule
verdicts contains {
	"action": "require_approval",
	"rule": "e2e.insatiable",
	"title": "Held again",
	"message": "this agent's prompts need approval, always",
	"severity": "high",
	"controls": [],
	"approval": {"wait_seconds": 45, "expires_seconds": 900},
} if {
	input.phase == "request"
	"insatiable" in input.agent.groups
}

# METADATA
# title: Ask about every completion of a group
# scope: rule
verdicts contains {
	"action": "mask",
	"rule": "e2e.always",
	"title": "Asked about at its end",
	"message": "completions are judged whole",
	"severity": "low",
	"controls": [],
	"mask": [{"entity": "EMAIL_ADDRESS", "operator": "partial", "restore": false}],
	"response": "always",
} if {
	"always" in input.agent.groups
}

# METADATA
# title: Deny every completion that policy is asked about, for a group
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "e2e.no_answer",
	"title": "No answer",
	"message": "this agent gets no answers",
	"severity": "high",
	"controls": [],
} if {
	input.phase == "response"
	"no-answers" in input.agent.groups
}
