# METADATA
# title: Tests of tool calls
package policy_tests.tools

import data.policy_tests.fixtures
import data.regate

_action(document) := action if {
	action := regate.decision.action with input as document
}

_lists(deny, approve) := {"deny": deny, "approve": approve}

test_unlisted_tool_call_is_allowed if {
	_action(fixtures.calling("search", {"query": "weather"})) == "allow"
}

test_tool_call_on_the_deny_list_is_denied if {
	_action(fixtures.calling("admin.DROP_DATABASE", {})) == "deny"
}

test_tool_call_on_the_approval_list_is_held if {
	_action(fixtures.calling("delete_user", {})) == "require_approval"
	_action(fixtures.calling("bash", {"command": "cd / && rm -rf *"})) == "require_approval"
	_action(fixtures.calling("bash", {"command": ["sh", "-c", "RM -RF /"]})) == "require_approval"
}

test_condition_that_does_not_hold_lets_the_call_pass if {
	_action(fixtures.calling("bash", {"command": "ls"})) == "allow"
	_action(fixtures.calling("bash", {"command": "rm -r build; mv -f a b"})) == "allow"
	_action(fixtures.calling("bash", {"command": "cp -r a b && rm -f c 2>&1 && cp -r a b"})) == "allow"
	_action(fixtures.calling("any", {"command": "-rf x; rm"})) == "allow"
	_action(fixtures.calling("note", {"text": "never rm -rf"})) == "allow"
	_action(fixtures.calling("note", {"text": "rm", "args": "-rf x"})) == "allow"
	_action(fixtures.calling("note", {"command": "rm", "text": "-rf x"})) == "allow"
	_action(fixtures.calling("write_file", {"content": "FROM base\nRUN rm -rf /var/cache"})) == "allow"
}

test_command_is_held_however_it_is_spelt if {
	every arguments in [
		{"command": "rm  -f\t-r /"},
		{"cmd": "sudo /bin/rm --recursive --force x"},
		{"script": "cd x &&\n\\rm --rec --forc=1 y"},
		{"code": "subprocess.run([\"rm\", '-fvr', 'x'])"},
		{"args": ["rm", "-rf", "x"]},
		{"cell": "!rm -rf x"},
		{"script": "clean:\n\t@rm -r ${DIR} 2>&1 -f"},
		{"command": "rm", "args": ["-rf", "x"]},
		{"x": {"y": [{"z": "FOO=1 env -i rm -rf x"}]}},
	] {
		_action(fixtures.calling("any", arguments)) == "require_approval"
	}
	_action(fixtures.calling("run_sql", {"q": "select 1; DROP /* */\n DATABASE x"})) == "deny"
}

test_name_is_matched_however_it_is_spelt if {
	every name in ["dropDatabase", "admin.Drop-Database", "drop database", "DROP__DATABASE"] {
		_action(fixtures.calling(name, {})) == "deny"
	}
}

test_glob_over_a_name_keeps_its_ranges if {
	_action(fixtures.calling("tool2", {})) == "deny" with data.settings.tools as _lists([{"name": "tool[1-3]"}], [])
}

test_mistaken_command_holds if {
	entry := {"name": "pay", "runs": 7}
	_action(fixtures.calling("pay", {})) == "deny" with data.settings.tools as _lists([entry], [])
}

test_approved_tool_call_passes if {
	_action(fixtures.approved(fixtures.calling("delete_user", {}))) == "allow"
}

test_approval_does_not_lift_the_deny_list if {
	_action(fixtures.approved(fixtures.calling("drop_database", {}))) == "deny"
}

test_tool_calls_of_history_are_not_held_again if {
	document := object.union(fixtures.calling("delete_user", {}), {"phase": "request"})
	_action(document) == "allow"
}

_pay := [{"name": "pay", "arguments": {"amount": {"above": 100}, "to": {"matches": "acme*"}}}]

test_every_condition_must_hold if {
	every outcome in [
		[{"amount": 101, "to": "ACME Ltd"}, "deny"],
		[{"amount": 100, "to": "ACME Ltd"}, "allow"],
		[{"amount": 101, "to": "Other"}, "allow"],
		[{"amount": 101, "to": "Other", "note": "acme"}, "allow"],
		[{"amount": 1, "fee": 101, "to": "ACME Ltd"}, "allow"],
		[{"Amount": 101, "TO": " 'ACME'  Ltd"}, "deny"],
		[{"to": "ACME Ltd"}, "allow"],
		[{"amount": "7", "to": "ACME Ltd"}, "deny"],
	] {
		_action(fixtures.calling("pay", outcome[0])) == outcome[1] with data.settings.tools as _lists(_pay, [])
	}
}

test_mistaken_entry_holds if {
	every condition in [{"matchs": "x"}, {"above": "100"}, {}, {"above": 1, "matches": "x"}] {
		entry := {"name": "pay", "arguments": {"amount": condition}}
		_action(fixtures.calling("pay", {"amount": 0})) == "deny" with data.settings.tools as _lists([entry], [])
	}
	_action(fixtures.calling("anything", {})) == "deny" with data.settings.tools as _lists([{"nmae": "pay"}], [])
}

test_unparseable_arguments_are_denied if {
	row := object.union(fixtures.row("UNPARSEABLE_ARGUMENTS", "custom"), {"roles": ["assistant"], "kinds": ["tool_call"]})
	_action(fixtures.with_rows(fixtures.calling("search", {}), [row])) == "deny"
}

_restoring(name, category) := object.union(
	fixtures.completion,
	{"tool_calls": [{"name": name, "arguments": {}, "restores": [{"entity": "API_KEY", "category": category}], "origins": []}]},
)

test_secret_restored_into_a_tool_call_is_held if {
	_action(_restoring("deploy", "secret")) == "require_approval"
}

test_secret_may_be_restored_into_a_listed_tool if {
	_action(_restoring("Deploy", "secret")) == "allow" with data.settings.restore_tools as ["deploy*"]
}

test_personal_data_may_be_restored_into_a_tool_call if {
	_action(_restoring("send_mail", "pii")) == "allow"
}

test_approved_restoration_passes if {
	_action(fixtures.approved(_restoring("deploy", "secret"))) == "allow"
}

_page := {"role": "tool", "kind": "tool_result", "tool": "fetch_page"}

_mailing(sources) := object.union(
	fixtures.completion,
	{"tool_calls": [{
		"name": "send_mail",
		"arguments": {"to": "mallory@evil.example", "body": "Hello, as you asked."},
		"restores": [],
		"origins": [{"pointer": "/to/0", "from": sources}],
	}]},
)

_flow(changes) := {"deny": [], "approve": [], "flows": [object.union({"to": "send_*", "action": "deny"}, changes)]}

_judged(changes, sources) := action if {
	action := _action(_mailing(sources)) with data.settings.tools as _flow(changes)
}

test_no_flow_is_forbidden_as_shipped if _action(_mailing([_page])) == "allow"

test_value_out_of_a_result_is_judged_by_the_lists if {
	every outcome in [
		[{}, "deny"],
		[{"action": "require_approval"}, "require_approval"],
		[{"to": "sendMail"}, "deny"],
		[{"to": "post_*"}, "allow"],
		[{"arguments": ["To"]}, "deny"],
		[{"arguments": ["body"]}, "allow"],
		[{"from": {"tools": ["fetch*"]}}, "deny"],
		[{"from": {"tools": ["FetchPage"]}}, "deny"],
		[{"from": {"tools": ["read_*"]}}, "allow"],
		[{"from": {"roles": ["tool"]}}, "deny"],
		[{"from": {"roles": ["user"]}}, "allow"],
		[{"from": {"kinds": ["tool_result"]}}, "deny"],
		[{"from": {"kinds": ["text"]}}, "allow"],
	] {
		_judged(outcome[0], [_page]) == outcome[1]
	}
}

test_value_out_of_a_result_without_a_name_may_be_of_any_tool if {
	nameless := object.union(_page, {"tool": ""})
	_judged({"from": {"tools": ["fetch*"]}}, [nameless]) == "deny"
}

test_value_that_the_user_wrote_is_judged_where_the_list_says_so if {
	said := {"role": "user", "kind": "text", "tool": ""}
	_judged({}, [said]) == "allow"
	_judged({"from": {"tools": ["*"]}}, [said]) == "allow"
	_judged({"from": {"roles": ["user"]}}, [said]) == "deny"
	_judged({"from": {"tools": ["*"], "roles": ["user"]}}, [said]) == "allow"
}

test_a_value_without_an_origin_flows_freely if _judged({}, []) == "allow"

test_approval_lets_a_value_flow if {
	_action(fixtures.approved(_mailing([_page]))) == "allow" with data.settings.tools as _flow({"action": "require_approval"})
	_action(fixtures.approved(_mailing([_page]))) == "deny" with data.settings.tools as _flow({})
}

test_message_names_where_the_value_stands if {
	every outcome in [[_page, "a result of fetch_page"], [{"role": "user", "kind": "text", "tool": ""}, "text of the role user"]] {
		reasons := regate.decision.reasons with input as _mailing([outcome[0]])
			with data.settings.tools as _flow({"from": {"roles": ["tool", "user"]}})
		[reason.message | some reason in reasons] == [concat(" ", ["send_mail would receive a value that stands in", outcome[1]])]
	}
}

test_message_names_who_calls if {
	call := {"name": "drop_database", "arguments": {}, "restores": [], "origins": []}
	every outcome in [["request", "mcp", "the agent calls"], ["response", "openai.chat", "the model calls"]] {
		document := object.union(fixtures.prompt, {"phase": outcome[0], "dialect": outcome[1], "tool_calls": [call]})
		reasons := regate.decision.reasons with input as document
		some reason in reasons
		startswith(reason.message, outcome[2])
	}
}
