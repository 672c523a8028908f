# METADATA
# title: Tests of findings
# description: Personal data, secrets and code markers, in both phases.
package policy_tests.findings

import data.policy_tests.fixtures
import data.regate

_decision(document, row) := decision if {
	decision := regate.decision with input as fixtures.with_rows(document, [row])
}

_in_prompt(entity, category) := _decision(fixtures.prompt, fixtures.row(entity, category))

_in_completion(entity, category) := _decision(fixtures.completion, fixtures.row(entity, category))

_restored(entity) := {"entity": entity, "operator": "placeholder", "restore": true}

_redacted(entity) := {
	"entity": entity, "operator": "redact", "restore": false,
	"min_score": 0.85, "places": ["text"],
}

_personal := [
	"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "CRYPTO",
	"PERSON", "ES_NIF", "AN_ENTITY_OF_TOMORROW",
]

_secret := ["API_KEY", "JWT", "CONNECTION_STRING", "PASSWORD", "A_SECRET_OF_TOMORROW"]

test_personal_data_in_a_prompt_is_masked_and_restored if {
	every entity in _personal {
		decision := _in_prompt(entity, "pii")
		decision.action == "mask"
		decision.mask == [_restored(entity)]
		decision.reasons[0].rule == "pii.mask"
	}
}

test_secret_in_a_prompt_is_masked_and_restored if {
	every entity in _secret {
		decision := _in_prompt(entity, "secret")
		decision.action == "mask"
		decision.mask == [_restored(entity)]
	}
}

test_private_key_in_a_prompt_is_denied if {
	_in_prompt("PRIVATE_KEY", "secret").action == "deny"
}

test_private_key_in_history_is_denied if {
	row := object.union(fixtures.row("PRIVATE_KEY", "secret"), {"new": 0})
	_decision(fixtures.prompt, row).action == "deny"
}

test_history_is_masked_again if {
	row := object.union(fixtures.row("EMAIL_ADDRESS", "pii"), {"new": 0})
	_decision(fixtures.prompt, row).mask == [_restored("EMAIL_ADDRESS")]
}

test_what_the_model_produces_is_redacted if {
	produced := [entity | some entity in _personal; not entity in {"EMAIL_ADDRESS", "US_SSN"}]
	every entity in array.concat(produced, ["PRIVATE_KEY"]) {
		decision := _in_completion(entity, "pii")
		decision.action == "mask"
		decision.mask == [_redacted(entity)]
	}
	every entity in array.concat(_secret, ["PRIVATE_KEY"]) {
		_in_completion(entity, "secret").mask == [_redacted(entity)]
	}
}

test_what_the_prompt_held_may_return if {
	row := object.union(fixtures.row("EMAIL_ADDRESS", "pii"), {"new": 0})
	decision := _decision(fixtures.completion, row)
	decision.action == "allow"
	decision.mask == []
}

test_code_markers_are_masked_by_default if {
	every category in ["code", "custom"] {
		_in_prompt("CODE_MARKER", category).mask == [_restored("CODE_MARKER")]
		_in_completion("CODE_MARKER", category).action == "allow"
	}
}

test_code_markers_do_what_the_setting_says if {
	every action in ["mask", "require_approval", "deny"] {
		decision := _in_prompt("CODE_MARKER", "code") with data.settings.categories.code.request as {"action": action}
		decision.action == action
	}
}

test_approved_code_marker_passes_plain_or_masked_as_the_setting_says if {
	document := fixtures.approved(fixtures.prompt)
	row := fixtures.row("CODE_MARKER", "code")
	terms := {"action": "require_approval"}
	plain := _decision(document, row) with data.settings.categories as {"code": {"request": terms}}
	plain.action == "allow"
	hashed := {"code": {"request": {"action": "require_approval", "operator": "hash"}}}
	held := _decision(fixtures.prompt, row) with data.settings.categories as hashed
	held.action == "require_approval"
	held.mask == [{"entity": "CODE_MARKER", "operator": "hash", "restore": false}]
	masked := _decision(document, row) with data.settings.categories as hashed
	masked.action == "mask"
	masked.mask == held.mask
}

test_entity_comes_before_its_category if {
	decision := _in_prompt("IP_ADDRESS", "pii") with data.settings.entities.IP_ADDRESS as {"request": {"action": "allow"}}
	decision.action == "allow"
}

test_misspelt_action_in_the_settings_is_denied if {
	decision := _in_prompt("IP_ADDRESS", "pii") with data.settings.entities.IP_ADDRESS as {"request": {"action": "mak"}}
	decision.action == "deny"
}

test_category_without_terms_is_denied if {
	_in_prompt("EMAIL_ADDRESS", "pii").action == "deny" with data.settings.categories as {}
}

test_group_has_terms_of_its_own if {
	document := fixtures.in_groups(fixtures.prompt, ["support", "lab"])
	row := fixtures.row("EMAIL_ADDRESS", "pii")
	groups := {
		"default": {"providers": ["*"], "models": ["*"]},
		"support": {"entities": {"EMAIL_ADDRESS": {"request": {"action": "allow"}}}},
		"lab": {},
	}
	_decision(document, row).action == "allow" with data.settings.groups as groups
	strict := object.union(groups, {"lab": {"entities": {"EMAIL_ADDRESS": {"request": {"action": "deny"}}}}})
	_decision(document, row).action == "deny" with data.settings.groups as strict
}

test_many_entities_are_masked_each if {
	rows := [fixtures.row(entity, "pii") | some entity in _personal]
	decision := regate.decision with input as fixtures.with_rows(fixtures.prompt, rows)
	{mask.entity | some mask in decision.mask} == {entity | some entity in _personal}
}

test_each_verdict_speaks_of_its_own_findings if {
	rows := [
		fixtures.row("API_KEY", "secret"), fixtures.row("EMAIL_ADDRESS", "pii"),
		fixtures.row("PRIVATE_KEY", "secret"),
	]
	secrets := regate.rules.secrets.verdicts with input as fixtures.with_rows(fixtures.prompt, rows)
	personal := regate.rules.pii.verdicts with input as fixtures.with_rows(fixtures.prompt, rows)
	{[verdict.message, verdict.mask] | some verdict in (secrets | personal)} == {
		["API_KEY in the prompt", [_restored("API_KEY")]],
		["EMAIL_ADDRESS in the prompt", [_restored("EMAIL_ADDRESS")]],
		["PRIVATE_KEY in the prompt", []],
	}
}

test_allowed_findings_are_no_verdict if {
	row := fixtures.row("CODE_MARKER", "code")
	count(regate.rules.code.verdicts) == 0 with input as fixtures.with_rows(fixtures.completion, [row])
}

test_settings_without_providers_are_like_none if {
	settings := object.remove(data.settings, ["providers"])
	_in_prompt("EMAIL_ADDRESS", "pii").action == "mask" with data.settings as settings
}

test_settings_without_entities_leave_the_categories if {
	settings := object.remove(data.settings, ["entities"])
	_in_prompt("EMAIL_ADDRESS", "pii").action == "mask" with data.settings as settings
}

test_settings_without_categories_deny if {
	settings := object.remove(data.settings, ["categories"])
	_in_prompt("EMAIL_ADDRESS", "pii").action == "deny" with data.settings as settings
}

test_equal_terms_do_not_join_categories if {
	rows := [fixtures.row("API_KEY", "secret"), fixtures.row("EMAIL_ADDRESS", "pii")]
	terms := {"request": {"action": "mask", "operator": "hash"}}
	decision := regate.decision with input as fixtures.with_rows(fixtures.prompt, rows)
		with data.settings.entities as {"API_KEY": terms, "EMAIL_ADDRESS": terms}
	[reason.message | some reason in decision.reasons] == ["EMAIL_ADDRESS in the prompt", "API_KEY in the prompt"]
}
