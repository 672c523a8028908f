"""A case that loops fails alone and by its name, on either engine; the other cases are decided."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cli.policy.apart import TOGETHER, can_stand_apart, other_than
from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import TESTS

LOOPS = """package regate

default decision := {"action": "allow", "reasons": []}

decision := {"action": "deny", "reasons": []} if input.model == "deny"

decision := {"action": "deny", "reasons": []} if data.tables.models[input.model]

decision := {"action": "mask", "reasons": []} if {
	input.model == "loop"
	count([1 | some x in numbers.range(1, 90000); some y in numbers.range(1, 90000); x + y == 0]) == 1
}
"""
CASES = """models:
  one that loops: {base: prompt, input: {model: loop}, decision: {action: allow}}
  one that passes: {base: prompt, input: {model: any}, decision: {action: allow}}
  one that "fails": {base: prompt, input: {model: any}, decision: {action: deny}}
  one that is denied: {base: prompt, input: {model: deny}, decision: {action: deny}}
  one of the shared table: {base: prompt, input: {model: old}, decision: {action: deny}}
  one of its own table: {base: prompt, input: {model: old}, tables: {models: {}}, decision: {action: allow}}
"""


def test_a_case_that_loops_fails_alone(machine: str, tmp_path: Path) -> None:
    policy, tests = tmp_path / "policy", tmp_path / "tests"
    (policy / "settings").mkdir(parents=True)
    (tests / "cases").mkdir(parents=True)
    (policy / "main.rego").write_text(LOOPS)
    (policy / "settings/data.yaml").write_text("own: {}\n")
    (tests / "tables").mkdir()
    (tests / "tables/data.yaml").write_text("models: {old: true}\n")
    (tests / "cases/models.yaml").write_text(CASES)
    for name in ("fixtures.rego", "cases_test.rego"):
        shutil.copy(TESTS / name, tests / name)

    run = regate("test", "--path", str(policy), "--tests", str(tests), "--timeout", "1", "--json")

    report = json.loads(run.stdout)
    assert run.exit_code == 1
    outcomes = {test["case"]: test for test in report["tests"]}
    ended = ("that passes", "that is denied", "of the shared table", "of its own table")
    assert outcomes.keys() == {f"models: one {what}" for what in ("that loops", 'that "fails"', *ended)}
    assert "did not end" in outcomes["models: one that loops"]["error"]
    assert outcomes["models: one that loops"]["line"] == 2
    assert 'expected action "deny", found "allow"' in outcomes['models: one that "fails"']["error"]
    assert {name for name, test in outcomes.items() if not test["error"]} == {
        f"models: one {what}" for what in ended
    }


@given(st.text("abt._", max_size=6), st.text("abt._", min_size=1, max_size=4))
def test_names_that_begin_otherwise_are_matched(name: str, prefix: str) -> None:
    assert bool(re.match(other_than(prefix), name)) == (not name.startswith(prefix))


def test_what_stands_apart_is_not_run_together() -> None:
    assert not re.match(other_than(TOGETHER), f"{TOGETHER}s")
    assert re.match(other_than(TOGETHER), "data.policy_tests.access.test_case")


def test_tests_without_the_harness_stay_together(tmp_path: Path) -> None:
    assert can_stand_apart(TESTS)
    assert not can_stand_apart(tmp_path)
