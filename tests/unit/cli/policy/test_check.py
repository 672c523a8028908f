"""`regate policy check` tells every fault with its file and line, what is wrong and what to do."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import regorus

from cli.policy.check import _names
from cli.policy.subset import NOT_EMBEDDED
from gateway.config import Config, Issuer, Oidc, Provider
from gateway.errors import ConfigError
from gateway.policy import load_source
from gateway.policy.engine.builtins import REFUSED
from gateway.policy.engine.sidecar import Sidecar
from gateway.policy.source import misnamed
from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import LOG, TESTS

TOPIC = """# METADATA
# title: Night
# description: Nobody works at night.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.night

# METADATA
# title: Interns sleep at night
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "night.interns",
	"title": "Not at night",
	"message": "interns may not ask at night",
	"severity": "low",
	"controls": [],
} if {
	input.phase == "request"
	"interns" in input.agent.groups
}
"""
# A whole policy, and a test that runs every line of it.
SMALL = """# METADATA
# title: The decision
# description: Everything passes.
package regate

# METADATA
# title: What is decided
decision := {"action": "allow"}
"""
ASKED = """package policy_tests.x

import data.regate

test_everything_passes if regate.decision.action == "allow"
"""


@pytest.fixture
def faults(opa: Path, machine_with_opa: None, policy: Path) -> Callable[[str, str], list[str]]:
    """The faults of a topic in which one text was put in the place of another, without the path.

    It stands alone beside the library's frame: its faults are its own, and each file takes a run of OPA.
    """
    for other in policy.glob("rules/*.rego"):
        other.unlink()
    file = policy / "rules/night.rego"

    def check(old: str, new: str) -> list[str]:
        assert old in TOPIC
        file.write_text(TOPIC.replace(old, new))
        run = regate("check", "--path", str(policy))
        lines = run.stderr.splitlines()
        assert run.exit_code == (1 if lines else 0), run.output
        assert not lines or lines.pop() == f"{policy}: {len(lines)} faults"
        return [line.removeprefix(f"{file}:") for line in lines]

    return check


def test_the_library_is_in_order(machine: str) -> None:
    run = regate("check", "--tests", str(TESTS))
    assert run.exit_code == 0, run.output
    assert "in order, revision" in run.output
    assert ("not looked at: strictness" in run.stderr) == (machine == "without opa")


def test_a_syntax_error_is_told_with_file_and_line(machine: str, policy: Path) -> None:
    (policy / "main.rego").write_text("package regate\n\ndecision := {\n")
    run = regate("check", "--path", str(policy))
    assert run.exit_code == 1
    assert f"{policy}/main.rego:" in run.stderr


def test_settings_of_a_wrong_type_are_told_with_file_and_line(machine: str, policy: Path) -> None:
    file = policy / "settings/data.yaml"
    file.write_text(file.read_text().replace("personal_values: 25", "personal_values: many"))
    line = file.read_text().split("personal_values: many")[0].count("\n") + 1
    run = regate("check", "--path", str(policy))
    assert run.exit_code == 1
    assert f"{file}:{line}: settings.bulk.personal_values: 'many' is not of type 'integer'" in run.stderr


def test_a_good_topic_is_in_order(faults: Callable[[str, str], list[str]]) -> None:
    assert faults("Night", "Night") == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("input.agent.groups", "input.agent.grps", "20: undefined ref: input.agent.grps; expected one of "),
        ('input.phase == "request"', "_nowhere(1)", "19: undefined function _nowhere; define it, "),
        ('"deny"', '"dney"', "12: action 'dney' is unknown; expected allow, warn, mask, require_approval"),
        ('"low"', '"awful"', "16: severity 'awful' is unknown; expected low, medium, high, critical"),
        ('\t"controls": [],\n', "", "11: the verdict has no controls; add it: a verdict that cannot be read"),
        ('"controls"', '"contrls"', "17: a verdict has no key contrls; expected action, rule, title"),
        ('"deny"', '"mask"', "11: the verdict masks without a mask list; add mask"),
        ("# description: Nobody works at night.\n", "", "5: package regate.rules.night has no description"),
        (
            "# METADATA\n# title: Interns sleep",
            "# METADATA\n# title: Nobody hears this\nverdict contains 1 if input.phase == \"response\"\n\n"
            "# METADATA\n# title: Interns sleep",
            "10: nothing reads the set verdict; call it verdicts",
        ),
        ("# title: Interns sleep at night\n", "", "10: rule verdicts has no title in METADATA; write "),
        ('"interns" in', "not x in", "20: var x is unsafe; give it a value"),
        ('{\n\tinput.phase', '{\n\n\n\tinput.phase', "1: not in OPA's format; run regate policy fmt"),
        (
            'input.phase == "request"',
            'startswith(input.agent.claims.team, "x")',
            '19: input.agent.claims.team is undefined where input.agent.claims has no such key; write ',
        ),
        (
            'input.phase == "request"',
            'some call in input.tool_calls\n\tnot call.arguments.command == "ls"',
            "20: call.arguments.command is undefined where call.arguments has no such key; write ",
        ),
        (
            'input.phase == "request"',
            'given := input.tool_calls[0].arguments\n\tgiven.path == "/"',
            "20: given.path is undefined where given has no such key; write object.get(given,",
        ),
        (
            '"message": "interns may not ask at night"',
            '"message": $"{input.agent.claims.team} may not ask"',
            "15: input.agent.claims.team is undefined where",
        ),
        (
            'input.phase == "request"',
            "data.tables.blocked[input.agent.owner]",
            "19: data.tables.blocked: there is no such table in policy.tables; expected blocked.json",
        ),
        ('input.phase == "request"', "time.now_ns() > 1", "19: time.now_ns is refused; a decision must be"),
        (
            'input.phase == "request"',
            'http["send"]({"method": "get", "url": "http://127.0.0.1:9"}).status_code == 200',
            "19: http.send is refused; a decision must be repeatable and must not carry data out",
        ),
        (
            'input.phase == "request"',
            'crypto.sha256(input.model) == "x"',
            "19: crypto.sha256 is not in the embedded engine; use what docs/reference/policy.md names",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told(faults: Callable[[str, str], list[str]], old: str, new: str, fault: str) -> None:
    assert [line for line in faults(old, new) if line.startswith(fault)], faults(old, new)


def test_a_schema_elsewhere_is_refused_and_nobody_is_asked_for_it(
    opa: Path, policy: Path, faults: Callable[[str, str], list[str]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.setblocking(False)
        url = f"http://127.0.0.1:{host.getsockname()[1]}/input.json"
        told = faults('schema["input.schema"]', f"{{$ref: '{url}'}}")
        with pytest.raises(ConfigError, match="remote reference loading disabled"):
            asyncio.run(Sidecar(opa, 2.0, LOG).try_out(load_source(policy)))
        with pytest.raises(BlockingIOError):
            host.accept()
    assert "remote reference loading disabled" in told[0]
    assert told[0].endswith("; write the schema out: no host is asked")


def test_all_faults_are_told_at_once(machine_with_opa: None, policy: Path) -> None:
    (policy / "rules/night.rego").write_text(TOPIC.replace('"low"', '"awful"'))
    (policy / "rules/day.rego").write_text(TOPIC.replace("night", "day").replace("input.model", "x"))
    (policy / "rules/dusk.rego").write_text("package regate.rules.dusk\n\nverdicts contains {\n")
    (policy / "stray.txt2").write_text("")
    settings = policy / "settings/data.yaml"
    settings.write_text(settings.read_text() + "nigth: {}\n")
    run = regate("check", "--path", str(policy), "--json")
    found = json.loads(run.stdout)
    assert run.exit_code == 1
    places = [(Path(fault["file"]).name, fault["line"]) for fault in found["faults"]]
    assert {("night.rego", 16), ("dusk.rego", 4), ("stray.txt2", 0)} <= set(places)
    assert all(fault["what"] for fault in found["faults"])


def test_hidden_files_are_nobodys_business(machine: str, policy: Path) -> None:
    for name in ("rules", "lib", "settings"):
        shutil.rmtree(policy / name)
    (policy / "main.rego").write_text(SMALL)
    for folder in (policy / "rules", policy / ".git"):
        folder.mkdir(exist_ok=True)
        (folder / ".night.rego").write_text("{")
    tests = policy.with_name("tests")
    tests.mkdir()
    (tests / "x_test.rego").write_text(ASKED)
    (tests / ".x_test.rego").write_text("{")
    folders = ("--path", str(policy), "--tests", str(tests))
    for command in ("check", "test"):
        run = regate(command, *folders)
        assert run.exit_code == 0, (run.output, run.exception)


def test_settings_that_nothing_speaks_of_are_told(machine: str, policy: Path) -> None:
    (policy / "settings/night").mkdir()
    (policy / "settings/night/data.yaml").write_text("agents: []\n")
    run = regate("check", "--path", str(policy))
    assert run.exit_code == 1
    assert "nothing says what settings.night may be; give data.settings.night a schema" in run.stderr


def test_a_rule_that_does_not_end_is_told_in_time(machine: str, policy: Path) -> None:
    loop = (
        "count([1 | some x in numbers.range(1, 20000); some y in numbers.range(1, 20000); x + y == 0]) == 1"
    )
    (policy / "rules/night.rego").write_text(TOPIC.replace('input.phase == "request"', loop))
    run = regate("check", "--path", str(policy))
    assert run.exit_code == 1
    assert "late" in run.stderr or "did not answer within" in run.stderr


def test_what_the_embedded_engine_lacks_is_known(opa: Path) -> None:
    """Each built-in of OPA that is neither refused nor listed is one that regorus knows."""
    run = subprocess.run([opa, "capabilities", "--current"], capture_output=True, check=True)
    builtins = [each for each in json.loads(run.stdout)["builtins"] if not each.get("infix")]
    deprecated = {each["name"] for each in builtins if each.get("deprecated")}
    names = {each["name"]: len(each["decl"].get("args", [])) for each in builtins}
    unknown = {
        name for name, count in names.items() if not name.startswith("internal.") and _lacks(name, count)
    }
    assert unknown - deprecated - REFUSED == NOT_EMBEDDED - deprecated


def _lacks(name: str, arguments: int) -> bool:
    engine = regorus.Engine()
    engine.add_policy("x.rego", f"package x\n\nr := {name}({', '.join(['[]'] * arguments)})\n")
    engine.set_input_json("{}")
    try:
        engine.eval_rule_as_json("data.x.r")
    except BaseException as error:  # noqa: BLE001 - a panic is one; where it knows the name, it says something else
        return "could not find function" in str(error)
    return False


def test_a_configuration_with_which_no_gateway_starts_is_told(machine_with_opa: None, tmp_path: Path) -> None:
    """A pattern is compiled when a gateway starts: a check that passes must not be followed by a refusal."""
    file = tmp_path / "regate.yaml"
    file.write_text(file.read_text() + "detect: {custom: [{entity: X_ID, patterns: ['(a']}]}\n")
    run = regate("check")
    assert run.exit_code == 1
    assert f"{file}: detect.custom[0].patterns[0]: X_ID: '(a': not a regular expression" in run.stderr


def test_groups_that_tokens_grant_are_known(tmp_path: Path) -> None:
    """Callers by token or certificate need no key, so no key tells their groups."""
    issuer = Issuer(
        issuer="https://id.example", audience="a", owner="sub", groups="g", grants={"x": ("team-red",)}
    )
    config = Config({"demo": Provider("openai", "builtin:demo")}, oidc=Oidc((issuer,)), root=tmp_path)
    assert "team-red" in _names(config)["group"]
    told = [told for _, told in misnamed({"groups": {"team-rad": {}}}, _names(config))]
    assert told == ["no key has the group team-rad; did you mean team-red?"]
