# METADATA
# title: Tests of the decision
# description: How verdicts become one decision, with stand-in topics beside the real ones.
package policy_tests.main

import data.policy_tests.fixtures
import data.regate

_verdict(action) := {
	"action": action, "rule": "test.rule", "title": "Test", "message": "a test",
	"severity": "low", "controls": [],
}

_allow := _verdict("allow")

_email := {"entity": "EMAIL_ADDRESS", "operator": "placeholder", "restore": true}

_masking(mask) := object.union(_verdict("mask"), {"mask": [mask]})

_decision(verdicts) := decision if {
	decision := regate.decision with data.regate.rules as {"test": {"verdicts": verdicts}}
		with input as fixtures.prompt
}

test_harmless_prompt_is_allowed if {
	decision := regate.decision with input as fixtures.prompt
	decision.action == "allow"
	decision.reasons == []
	decision.mask == []
	decision.record == "masked"
	decision.response == "findings"
	decision.approval == {"groups": [], "quorum": 1, "wait_seconds": 60, "expires_seconds": 900}
}

test_harmless_completion_is_allowed if {
	regate.decision.action == "allow" with input as fixtures.completion
}

test_silence_is_deny if {
	decision := _decision(set())
	decision.action == "deny"
	decision.reasons[0].rule == "regate.no_allow"
}

test_mask_alone_is_no_allow if {
	_decision({_masking(_email)}).action == "deny"
}

test_empty_input_is_denied if {
	regate.decision.action == "deny" with input as {}
}

test_lost_settings_are_denied if {
	regate.decision.action == "deny" with input as fixtures.prompt with data.settings as {}
}

test_most_restrictive_verdict_wins if {
	_decision({_allow}).action == "allow"
	_decision({_allow, _masking(_email)}).action == "mask"
	_decision({_allow, _masking(_email), _verdict("require_approval")}).action == "require_approval"
	_decision({_allow, _masking(_email), _verdict("require_approval"), _verdict("deny")}).action == "deny"
}

test_reasons_start_with_the_weightiest if {
	decision := _decision({_allow, _masking(_email), object.union(_verdict("deny"), {"rule": "z.last"})})
	[reason.rule | some reason in decision.reasons] == ["z.last", "test.rule"]
}

test_held_prompt_is_still_masked if {
	decision := _decision({_allow, _masking(_email), _verdict("require_approval")})
	decision.mask == [_email]
}

_mistakes := {
	"misspelt action": object.union(_verdict("dney"), {}),
	"misspelt key": object.union(object.remove(_allow, ["action"]), {"acton": "deny"}),
	"no action": object.remove(_allow, ["action"]),
	"no rule": object.remove(_allow, ["rule"]),
	"no title": object.remove(_allow, ["title"]),
	"no message": object.remove(_allow, ["message"]),
	"no severity": object.remove(_allow, ["severity"]),
	"no controls": object.remove(_allow, ["controls"]),
	"unknown key": object.union(_allow, {"maks": []}),
	"unknown severity": object.union(_allow, {"severity": "awful"}),
	"mask without a list": _verdict("mask"),
	"mask with an empty list": object.union(_verdict("mask"), {"mask": []}),
	"mask without an entity": object.union(_verdict("mask"), {"mask": [{"entitty": "EMAIL_ADDRESS"}]}),
	"mask that is no list": object.union(_verdict("mask"), {"mask": "EMAIL_ADDRESS"}),
	"unknown approval term": object.union(_verdict("require_approval"), {"approval": {"quorm": 2}}),
	"mask that is an object": object.union(_verdict("mask"), {"mask": {"a": {"entity": "EMAIL_ADDRESS"}}}),
	"mask that is no list beside allow": object.union(_allow, {"mask": "EMAIL_ADDRESS"}),
	"mask without an entity beside a record": object.union(_verdict("mask"), {"mask": [{}], "record": "full"}),
	"unknown key beside a mask": object.union(_masking(_email), {"maks": []}),
	"unknown record beside a mask": object.union(_masking(_email), {"record": "metdata"}),
	"rule that is no text": object.union(_allow, {"rule": 7}),
	"title that is no text": object.union(_allow, {"title": 7}),
	"message that is no text": object.union(_allow, {"message": 7}),
	"controls that are no list": object.union(_allow, {"controls": "SOC2:CC6.1"}),
	"approval that is no object": object.union(_verdict("require_approval"), {"approval": "legal"}),
	"unknown record": object.union(_allow, {"record": "metdata"}),
	"unknown response": object.union(_allow, {"response": "alway"}),
	"no object": "deny",
}

test_mistaken_verdict_ranks_as_deny[name] if {
	some name, verdict in _mistakes
	decision := _decision({_allow, verdict})
	decision.action == "deny"
	decision.reasons[0].rule == "regate.unreadable_verdict"
}

test_every_mistake_was_tried if {
	tried := object.keys(test_mistaken_verdict_ranks_as_deny)
	tried == object.keys(_mistakes)
}

test_unreadable_verdict_is_named if {
	every outcome in [
		[_verdict("dney"), "rule test.rule gave a verdict that cannot be read, so it counts as deny"],
		[object.union(_allow, {"rule": 7}), "rule (unnamed) gave a verdict that cannot be read, so it counts as deny"],
		["deny", "rule (unnamed) gave a verdict that cannot be read, so it counts as deny"],
	] {
		_decision({_allow, outcome[0]}).reasons[0].message == outcome[1]
	}
}

_strict_masks := {
	"redact over placeholder": {"entity": "EMAIL_ADDRESS", "operator": "redact", "restore": false},
	"hash over placeholder": {"entity": "EMAIL_ADDRESS", "operator": "hash", "restore": false},
	"not restored over restored": {"entity": "EMAIL_ADDRESS", "operator": "placeholder", "restore": false},
	"an operator nobody knows surfaces": {"entity": "EMAIL_ADDRESS", "operator": "blur", "restore": false},
}

test_of_two_masks_the_one_that_gives_less_away_wins if {
	every strict in _strict_masks {
		_decision({_allow, _masking(_email), _masking(strict)}).mask == [strict]
	}
}

test_of_two_masks_the_stronger_operator_wins if {
	order := ["placeholder", "partial", "hash", "redact"]
	every i in [1, 2, 3] {
		weak := {"entity": "EMAIL_ADDRESS", "operator": order[i - 1], "restore": false}
		strong := {"entity": "EMAIL_ADDRESS", "operator": order[i], "restore": false}
		_decision({_allow, _masking(weak), _masking(strong)}).mask == [strong]
	}
}

test_each_entity_keeps_its_own_mask if {
	phone := {"entity": "PHONE_NUMBER", "operator": "redact", "restore": false}
	hashed := {"entity": "EMAIL_ADDRESS", "operator": "hash", "restore": false}
	_decision({_allow, _masking(_email), _masking(hashed), _masking(phone)}).mask == [hashed, phone]
}

_asking(terms) := object.union(_verdict("require_approval"), {
	"approval": terms,
	"rule": sprintf("ask.%s", [concat(".", object.get(terms, "groups", ["anyone"]))]),
})

test_approval_takes_the_most_demanding_terms if {
	decision := _decision({
		_allow,
		_asking({"groups": ["legal", "security"], "quorum": 2, "wait_seconds": 30}),
		_asking({"groups": ["security"], "expires_seconds": 300}),
		_asking({}),
	})
	decision.action == "require_approval"
	decision.approval == {"groups": ["security"], "quorum": 2, "all_of": [], "wait_seconds": 30, "expires_seconds": 300}
}

test_only_rules_that_ask_say_who_approves if {
	talk := object.union(_allow, {"approval": {"groups": ["legal"], "quorum": 9}})
	_decision({talk, _asking({"groups": ["security"]})}).approval.groups == ["security"]
	_decision({talk, _asking({"groups": ["security"]})}).approval.quorum == 1
}

test_rules_without_a_common_group_are_joined if {
	decision := _decision({
		_allow,
		_asking({"groups": ["legal"], "quorum": 2}), _asking({"groups": ["security", "dpo"]}),
		object.union(_asking({"groups": ["legal"]}), {"rule": "ask.again"}),
	})
	decision.action == "require_approval"
	decision.approval.groups == []
	decision.approval.quorum == 2
	decision.approval.all_of == [{"count": 1, "groups": ["dpo", "security"]}, {"count": 2, "groups": ["legal"]}]
}

test_requirements_of_all_rules_are_joined if {
	legal := {"groups": ["legal"], "count": 1}
	decision := _decision({
		_allow,
		_asking({"all_of": [legal, legal, {"groups": ["dpo"]}]}),
		object.union(_asking({"all_of": [object.union(legal, {"count": 1})]}), {"rule": "ask.again"}),
		_asking({"groups": ["security"]}),
	})
	decision.approval.groups == ["security"]
	decision.approval.all_of == [{"count": 1, "groups": ["dpo"]}, {"count": 2, "groups": ["legal"]}]
}

test_terms_that_cannot_be_read_are_denied if {
	every terms in [
		{"groups": "legal"}, {"groups": [1]}, {"groups": {}}, {"all_of": "x"}, {"all_of": {}}, {"all_of": ["x"]}, {"all_of": [{"group": ["dpo"]}]},
		{"all_of": [{"groups": "dpo"}]}, {"all_of": [{"groups": ["dpo"], "count": "1"}]},
		{"all_of": [{"groups": ["dpo"], "count": 1.5}]}, {"grants": "day"}, "x",
	] {
		decision := _decision({_allow, object.union(_verdict("require_approval"), {"approval": terms})})
		decision.reasons[0].rule == "regate.unreadable_verdict"
	}
}

test_who_names_no_group_asks_for_no_one_more if {
	decision := _decision({_allow, _asking({"groups": ["legal"]}), _asking({"groups": ["dpo"]}), _asking({})})
	decision.approval.all_of == [{"count": 1, "groups": ["dpo"]}, {"count": 1, "groups": ["legal"]}]
}

test_two_masks_that_give_back_everywhere_do_so_together if {
	decision := _decision({_allow, _masking(_email), _masking(object.union(_email, {"operator": "partial"}))})
	decision.mask == [{"entity": "EMAIL_ADDRESS", "operator": "partial", "restore": true}]
}

test_a_mask_that_gives_back_nowhere_is_unreadable if {
	mask := {"entity": "EMAIL_ADDRESS", "restore": true, "restore_to": []}
	decision := _decision({_allow, object.union(_verdict("mask"), {"mask": [mask]})})
	decision.reasons[0].rule == "regate.unreadable_verdict"
}

test_when_to_ask_again_is_a_whole_number if {
	every seconds in ["5", -1, 0.5, null] {
		decision := _decision({_allow, object.union(_verdict("deny"), {"retry_after": seconds})})
		decision.reasons[0].rule == "regate.unreadable_verdict"
		decision.retry_after == 0
	}
	_decision({_allow, object.union(_verdict("deny"), {"retry_after": 5})}).retry_after == 5
	_decision({object.union(_verdict("deny"), {"retry_after": 5})}).retry_after == 0
	_decision({_allow, object.union(_allow, {"retry_after": 5})}).retry_after == 0
}

_recording(record) := object.union(_allow, {"record": record})

test_record_takes_the_least_telling if {
	_decision({_recording("full")}).record == "full"
	_decision({_recording("full"), _recording("masked")}).record == "masked"
	_decision({_recording("full"), _recording("metadata"), _recording("masked")}).record == "metadata"
}

test_response_is_asked_about_always_when_one_rule_says_so if {
	_decision({_allow, object.union(_masking(_email), {"response": "always"})}).response == "always"
	_decision({_allow, _masking(_email)}).response == "findings"
}

test_a_warning_lets_pass_and_shows if {
	decision := _decision({_allow, _verdict("warn")})
	decision.action == "allow"
	decision.reasons == []
	decision.warnings == [{
		"rule": "test.rule", "title": "Test", "message": "a test",
		"severity": "low", "controls": [], "would": "", "waiver": "",
	}]
}

test_a_warning_alone_allows_nothing if {
	_decision({_verdict("warn")}).action == "deny"
}

test_a_rule_that_is_only_logged_says_what_it_would_have_done if {
	every action in ["deny", "require_approval", "mask"] {
		verdict := object.union(_masking(_email), {"action": action, "rule": "test.trial"})
		decision := _logged({_allow, verdict}, ["test.trial"])
		decision.action == "allow"
		decision.mask == []
		[warning.would | some warning in decision.warnings] == [action]
	}
}

test_a_rule_that_is_only_logged_allows_all_the_same if {
	decision := _logged({_allow}, ["test.rule"])
	decision.action == "allow"
	decision.warnings == []
}

test_a_verdict_that_cannot_be_read_denies_though_it_is_only_logged if {
	decision := _logged({_allow, {"action": "warn"}}, ["regate.unreadable_verdict"])
	decision.action == "deny"
}

test_a_verdict_may_say_itself_that_it_is_only_logged if {
	every action in ["deny", "require_approval", "mask"] {
		verdict := object.union(_masking(_email), {"action": action, "log_only": true})
		decision := _logged({_allow, verdict}, [])
		decision.action == "allow"
		decision.mask == []
		[warning.would | some warning in decision.warnings] == [action]
	}
	_logged({object.union(_allow, {"log_only": true})}, []).action == "allow"
	_logged({_allow, object.union(_verdict("deny"), {"log_only": false})}, []).action == "deny"
}

test_a_verdict_that_says_so_in_other_words_denies if {
	every slip in [{"log_only": "true"}, {"log_only": 1}, {"log-only": true}] {
		decision := _logged({_allow, object.union(_verdict("warn"), slip)}, [])
		[reason.rule | some reason in decision.reasons] == ["regate.unreadable_verdict"]
	}
}

test_settings_without_rules_on_trial_log_none if {
	settings := object.remove(data.settings, ["log_only"])
	decision := regate.decision with input as fixtures.prompt with data.settings as settings
	decision.action == "allow"
	decision.warnings == []
}

_logged(verdicts, rules) := decision if {
	settings := object.union(data.settings, {"log_only": rules})
	decision := regate.decision with data.regate.rules as {"test": {"verdicts": verdicts}}
		with input as fixtures.prompt
		with data.settings as settings
}

_waiver := {
	"rule": "test.*", "reason": "a test", "ticket": "SEC-1", "approved_by": "dana",
	"until": "2026-11-22T09:00:00+00:00",
}

test_a_waiver_lets_pass_what_it_is_for_and_shows if {
	every holds in [{}, {"agent": "support-*"}, {"provider": "openai"}, {"rule": "test.rule"}] {
		decision := _waived(object.union(_waiver, holds))
		decision.action == "allow"
		[[warning.would, warning.waiver] | some warning in decision.warnings] == [["deny", "SEC-1"]]
	}
}

test_a_waiver_for_something_else_waives_nothing if {
	every other in [
		{"rule": "access.*"}, {"agent": "billing"}, {"provider": "anthropic"}, {"group": "research"},
		{"until": "2026-11-22T08:00:00Z"},
	] {
		_waived(object.union(_waiver, other)).action == "deny"
	}
}

test_a_waiver_of_a_group_is_for_its_members if {
	verdicts := {"test": {"verdicts": {_allow, _verdict("deny")}}}
	settings := object.union(data.settings, {"waivers": [object.union(_waiver, {"group": "research"})]})
	member := object.union(fixtures.prompt, {"agent": {"groups": ["research"]}})
	regate.decision.action == "allow" with data.regate.rules as verdicts with data.settings as settings
		with input as member
}

_waived(waiver) := decision if {
	settings := object.union(data.settings, {"waivers": [waiver]})
	decision := regate.decision with data.regate.rules as {"test": {"verdicts": {_allow, _verdict("deny")}}}
		with input as fixtures.prompt
		with data.settings as settings
}
