"""Definitions of tools tell which arguments in rules and settings are misspelt or of another type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.policy.syntax import parse_all
from cli.policy.tools import OfferedTool, offered, rego_faults, setting_faults
from gateway.errors import ConfigError
from gateway.policy import PolicySource
from tests.unit.cli.policy.conftest import regate

SCHEMA = {
    "type": "object",
    "properties": {
        "recipient": {"type": "string"},
        "amount": {"type": ["number", "null"]},
        "address": {"type": "object", "properties": {"street": {"type": "string"}}},
        "extra": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
}
EMAIL = {"name": "send_email", "description": "sends"}
FORMS: dict[str, Any] = {
    "OpenAI": {"model": "m", "tools": [{"type": "function", "function": {**EMAIL, "parameters": SCHEMA}}]},
    "OpenAI's responses": [{"type": "function", **EMAIL, "parameters": SCHEMA}],
    "Anthropic": {"tools": [{**EMAIL, "input_schema": SCHEMA}]},
    "MCP": {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{**EMAIL, "inputSchema": SCHEMA}]}},
    "Gemini": {"tools": [{"functionDeclarations": [{**EMAIL, "parameters": SCHEMA}]}]},
}


def tools(folder: Path, form: str = "MCP") -> list[OfferedTool]:
    file = folder / "tools.json"
    file.write_text(json.dumps(FORMS[form]))
    return offered([file])


@pytest.mark.parametrize("form", FORMS)
def test_tools_are_read_in_the_words_of_every_api(tmp_path: Path, form: str) -> None:
    (one,) = tools(tmp_path, form)
    assert (one.name, one.schema) == ("send_email", SCHEMA)
    assert one.digest == tools(tmp_path)[0].digest


@pytest.mark.parametrize("text", ["", "[]", "{", "7", "model: m", "\0"])
def test_what_defines_no_tool_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "tools.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"tools\.yaml: expected definitions of tools"):
        offered([tmp_path / "tools.yaml"])
    with pytest.raises(ConfigError, match="expected definitions"):
        offered([tmp_path / "none"])


CALL = "some call in input.tool_calls\n\t"
ARGUMENTS = 'object.get(call.arguments, "{}", "")'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ARGUMENTS.format("recipient") + ' == "x"', ""),
        (ARGUMENTS.format("recipent") + ' == "x"', "send_email has no argument recipent: did you mean recip"),
        ('call.name == "send_email"\n\tcall.arguments.recipent', "did you mean recipient"),
        ('call.name in {"send_email"}\n\tcall.arguments.recipent', "did you mean recipient"),
        ('glob.match("send_*", null, call.name)\n\tcall.arguments.recipent', "did you mean recipient"),
        ('call.name == "another"\n\tcall.arguments.recipent', ""),
        ("args := call.arguments\n\targs.recipent", "did you mean recipient"),
        ('args := call.arguments\n\tobject.get(args, ["address", "stret"], "") == ""', "address.stret"),
        ('object.get(call.arguments, ["address", "street"], "") == ""', ""),
        ("call.arguments.extra.anything", ""),
        ("call.arguments.recipient > 5", "argument recipient of send_email is never a integer or number"),
        ("call.arguments.amount > 5", ""),
        ('call.arguments.amount == "5"', "argument amount of send_email is never a string"),
        ('startswith(call.arguments.amount, "5")', "argument amount of send_email is never a string"),
        ('to := object.get(call.arguments, "amount", 0)\n\tstartswith(to, "5")', "never a string"),
        ("call.arguments.either > 5", ""),
        ("some name in call.arguments\n\tname == 5", ""),
        ("input.tool_calls[_].arguments.recipent", "did you mean recipient"),
    ],
)
def test_arguments_of_rules_are_those_of_their_tools(opa: Path, tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "x.rego").write_text(f"package regate.rules.x\n\nx if {{\n\t{CALL}{body}\n}}\n")
    (module,) = parse_all(opa, [tmp_path / "x.rego"])
    found = {str(fault) for fault in rego_faults(module, tools(tmp_path))}
    assert len(found) == bool(said), found
    assert all(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tools": {"deny": [{"name": "send_*", "arguments": {"recipient": {"matches": "*"}}}]}}, ""),
        ({"tools": {"deny": [{"name": "sendEmail", "arguments": {"recipent": {"above": 1}}}]}}, "recipient?"),
        ({"tools": {"approve": [{"name": "send_emial"}]}}, "send_emial; did you mean send_email"),
        ({"tools": {"approve": [{"name": "*transfer_money*"}]}}, ""),
        ({"tools": {"deny": [{"name": "*", "arguments": {"recipient": {"above": 5}}}]}}, "is no number"),
        ({"tools": {"deny": [{"name": "*", "arguments": {"amount": {"above": 5}}}]}}, ""),
        ({"tools": {"flows": [{"to": "send_email", "arguments": ["cc"]}]}}, "no argument cc"),
        ({"restore_tools": ["send_emails"]}, "did you mean send_email"),
        ({"entities": {"X": {"request": {"restore_to": ["text", "send_email.recipent"]}}}}, "recipient?"),
        ({"entities": {"X": {"request": {"restore_to": ["text", "send_email.recipient"]}}}}, ""),
        ({"tools": {"pins": {"send_email": ["0" * 64]}}}, "is not as pinned; its schema has the digest"),
    ],
)
def test_names_in_settings_are_those_of_the_tools(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "data.yaml").write_text(yaml.safe_dump(settings))
    source = PolicySource(tmp_path, {}, json.dumps({"settings": settings}).encode(), "r")
    found = [str(fault) for fault in setting_faults(source, tools(tmp_path))]
    assert len(found) == bool(said), found
    assert all(said in fault and "data.yaml:" in fault for fault in found), found


def test_a_dot_in_the_name_of_a_tool_is_no_step_to_an_argument(tmp_path: Path) -> None:
    (tmp_path / "settings").mkdir()
    settings = {"entities": {"X": {"request": {"restore_to": ["crm[.]send.recipent", "crm[.]send.amount"]}}}}
    (tmp_path / "settings" / "data.yaml").write_text(yaml.safe_dump(settings))
    source = PolicySource(tmp_path, {}, json.dumps({"settings": settings}).encode(), "r")
    (fault,) = setting_faults(source, [OfferedTool("crm.send", SCHEMA, "")])
    assert "crm.send has no argument recipent" in str(fault)


def test_the_library_fits_any_tool_and_digests_are_printed(machine: str, tmp_path: Path) -> None:
    (one,) = tools(tmp_path)
    outcome = regate("check", "--tools", str(tmp_path / "tools.json"))
    assert outcome.exit_code == 0, outcome.output
    assert f"tool send_email  {one.digest}" in outcome.output
