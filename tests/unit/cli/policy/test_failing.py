"""A case that fails is told with its file and line, what was expected and found, and the rules that spoke."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cli.policy.failing import DECIDED
from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import TESTS

CASES = """night:
  everything differs:
    base: prompt
    decision: {action: deny, record: full}
    rules: [access.provider]
  the action differs:
    base: prompt
    input: {agent: {id: ""}}
    decision: {action: allow}
  it is as expected:
    base: prompt
    decision: {action: allow}
  a key is misspelt:
    base: prompt
    settings: {bulk: {charcters: 999999}}
    decision: {action: allow}
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "policy_tests"
    folder.mkdir()
    for name in ("cases_test.rego", "fixtures.rego"):
        shutil.copy(TESTS / name, folder)
    (folder / "cases").mkdir()
    (folder / "cases/night.yaml").write_text(CASES)
    return folder


def test_each_case_that_fails_says_why(machine: str, tests: Path) -> None:
    run = regate("test", "--tests", str(tests))
    assert run.exit_code == 1
    file = tests / "cases/night.yaml"
    name = "data.policy_tests.cases"
    assert [line for line in run.stdout.splitlines() if line.startswith("FAIL ")] == [
        f"FAIL {file}:15: {name}: night: a key is misspelt: settings.bulk: Additional properties are "
        "not allowed ('charcters' was unexpected); expected personal_values",
        f'FAIL {file}:2: {name}.test_case[night: everything differs]: expected action "deny", found '
        '"allow"; expected record "full", found "masked"; expected the rules ["access.provider"]; '
        "rules that spoke: none",
        f'FAIL {file}:6: {name}.test_case[night: the action differs]: expected action "allow", found "deny"; '
        "rules that spoke: access.unknown_agent, regate.no_allow",
    ]
    near = 'access.rego:75: not _permitted("providers", input.provider)' in run.stdout
    assert near == ("almost: access.provider stops at " in run.stdout) == (machine == "opa")


def test_a_failing_case_is_evaluated_as_it_was_tested() -> None:
    tested = (TESTS / "cases_test.rego").read_text("utf-8")
    assert re.findall(r"with (\S+) as", DECIDED) == re.findall(r"with (\S+) as", tested)


def test_what_a_test_prints_is_told(machine: str, tests: Path) -> None:
    shutil.rmtree(tests / "cases")
    (tests / "cases_test.rego").write_text(
        'package policy_tests.x\n\ntest_a if print("seen", input.x)\n\ntest_b[name] if {\n'
        '\tsome name in ["one", "two"]\n\tprint("case", name)\n}\n'
    )
    run = regate("test", "--tests", str(tests), "--json")
    printed = "\n".join(each["printed"] for each in json.loads(run.stdout)["tests"])
    assert "seen " in printed
    assert [printed.count(f"case {name}") for name in ("one", "two")] == [1, 1]
    assert any(line.startswith("data.policy_tests.x.test_a: ") for line in told(tests))


def told(tests: Path) -> list[str]:
    return regate("test", "--tests", str(tests)).stdout.splitlines()
