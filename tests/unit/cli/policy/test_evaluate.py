"""`regate policy eval` decides on an input document, or on a provider request taken along the live path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import ConfigError, PolicyError, PolicyUnavailable
from gateway.exchange import TrialRefused
from tests.unit.cli.policy.conftest import regate
from tests.unit.contract.test_schemas import INPUT
from tests.unit.policy.conftest import request_document

BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "mail jane.roe@acme.org"}]}


@pytest.fixture
def body(tmp_path: Path) -> Path:
    file = tmp_path / "body.json"
    file.write_text(json.dumps(BODY))
    return file


def test_one_input_is_decided(machine: str, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps(request_document()))
    run = regate("eval", str(file))
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["action"] == "allow"


def test_what_no_gateway_sends_and_what_policy_prints_is_told(machine: str, root: Path, policy: Path) -> None:
    (policy / "rules/say.rego").write_text(
        "package regate.rules.say\n\nverdicts contains {} if {\n"
        '\tprint("agent", input.agent.id)\n\tfalse\n}\n'
    )
    file = root / "input.json"
    document = request_document()
    file.write_text(json.dumps({**document, "agnt": {}, "agent": {**document["agent"], "id": "bot"}}))
    run = regate("eval", str(file))
    assert "regate: input: Additional properties are not allowed ('agnt' was unexpected)" in run.stderr
    assert "agent bot" in run.stderr
    assert "spoke: " not in run.stderr
    file.write_text(json.dumps(document))
    (policy / "rules/say.rego").unlink()
    assert regate("eval", str(file)).stderr == ""


def test_the_rules_that_spoke_and_those_that_almost_did_are_told(
    machine_with_opa: None, root: Path, policy: Path
) -> None:
    (root / "policies/data").mkdir(parents=True)
    (root / "policies/data/shifts.json").write_text('{"support-bot": {"late": false}}')
    (policy / "rules/say.rego").write_text(
        'package regate.rules.say\n\nverdicts contains {"rule": "say.late"} if {\n'
        '\tshift := data.tables.shifts[input.agent.id]\n\tprint("late", shift.late)\n\tshift.late\n}\n'
    )
    file = root / "input.json"
    document = request_document()
    file.write_text(
        json.dumps({**document, "agent": {**document["agent"], "id": "support-bot"}, "provider": ""})
    )
    run = regate("eval", str(file), "--explain")
    assert "late false" in run.stderr
    assert f"almost: say.late stops at {policy / 'rules/say.rego'}:6: shift.late" in run.stderr
    file.write_text(json.dumps({**document, "agent": {**document["agent"], "id": ""}}))
    assert (
        "spoke: access.unknown_agent: the caller is not a known agent"
        in regate("eval", str(file), "--explain").stderr
    )


@pytest.mark.parametrize("text", ["[]", "{", None])
def test_an_input_that_is_no_document_is_refused(machine: str, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "input.json"
    if text is not None:
        file.write_text(text)
    assert isinstance(regate("eval", str(file)).exception, ConfigError)


def test_a_request_is_parsed_inspected_and_decided(machine: str, body: Path, tmp_path: Path) -> None:
    run = regate(
        "eval", "--body", str(body), "--provider", "demo", "--agent", "bot", "--group", "g", "--input"
    )
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    INPUT.validate(told["input"])
    assert told["input"]["agent"]["id"] == "bot"
    assert told["input"]["agent"]["groups"] == ["g"]
    assert [row["entity"] for row in told["input"]["findings"]] == ["EMAIL_ADDRESS"]
    assert "jane.roe" not in run.stdout
    assert told["decision"]["action"] == "mask"
    assert not (tmp_path / "state").exists()  # no key, no counters
    assert not (tmp_path / "audit").exists()


def test_a_finding_that_cannot_be_masked_is_refused_as_live(machine: str, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text(json.dumps({**BODY, "model": "jane.roe@acme.org"}))
    decision = json.loads(regate("eval", "--body", str(file), "--provider", "demo").stdout)
    assert decision["action"] == "deny"
    assert decision["reasons"][0]["rule"] == "gateway.unmaskable"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ('{"a": 1, "a": 2}', (), "400 invalid_request: the body cannot be read"),
        ("{}", ("--endpoint", "/v1//chat"), "400 invalid_request"),
        ("{", (), "400 invalid_request: the body cannot be read"),
    ],
)
def test_what_the_gateway_refuses_before_policy_is_told(
    machine: str, body: Path, text: str, options: tuple[str, ...], message: str
) -> None:
    body.write_text(text)
    failure = regate("eval", "--body", str(body), "--provider", "demo", *options).exception
    assert isinstance(failure, TrialRefused)
    assert message in str(failure)


@pytest.mark.parametrize(
    "arguments", [(), ("--body", "x", "--provider", "nobody"), ("input.json", "--body", "body.json")]
)
def test_a_question_that_makes_no_sense_is_refused(machine: str, arguments: tuple[str, ...]) -> None:
    assert isinstance(regate("eval", *arguments).exception, ConfigError)


LOOP = "count([1 | some x in numbers.range(1, 9e4); some y in numbers.range(1, 9e4); x + y == 0]) == 0"


@pytest.mark.parametrize(
    ("action", "condition", "kind", "message"),
    [
        ("dney", "true", PolicyError, "dney"),
        ("allow", LOOP, PolicyUnavailable, "did not answer|broke off or was late"),
    ],
)
def test_policy_that_goes_wrong_on_this_input_says_how(
    machine: str, tmp_path: Path, action: str, condition: str, kind: type[Exception], message: str
) -> None:
    policy = tmp_path / "broken"
    policy.mkdir()
    (policy / "main.rego").write_text(
        'package regate\n\ndefault decision := {"action": "deny"}\n\n'
        f'decision := {{"action": "{action}"}} if {{\n\tinput.agent.id != ""\n\t{condition}\n}}\n'
    )
    file = tmp_path / "input.json"
    file.write_text(json.dumps(request_document()))
    with pytest.raises(kind, match=message):
        raise regate("eval", str(file), "--path", str(policy)).exception or AssertionError("it was decided")
