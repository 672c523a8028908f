"""`regate policy test` runs the policy's tests on either engine, and says what failed and what none runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import TESTS

SOME_FAIL = """package policy_tests.x

test_good := true

test_bad := false

test_case[name] := passed if some name, passed in {"one": true, "two <\\u0007>": false}

test_built_in if to_number("x") == 1

test_loop if count([1 | some x in numbers.range(1, 9e4); some y in numbers.range(1, 9e4); x + y == 0]) == 1
"""


ASKED = "package policy_tests.x\n\ntest_it if data.regate.decision.action\n"


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A policy and its tests: every line is run."""
    policy, tests = tmp_path / "small", tmp_path / "small_tests"
    for folder in (policy, tests):
        folder.mkdir()
    (policy / "main.rego").write_text('package regate\n\ndecision := {"action": "allow"}\n')
    (tests / "asked_test.rego").write_text(ASKED)
    return policy, tests


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """The library's own tests, to add to."""
    folder = tmp_path / "tests"
    folder.mkdir()
    for path in TESTS.rglob("*.*"):
        copy = folder / path.relative_to(TESTS)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return folder


def test_the_tests_run_and_cover_the_policy(machine: str) -> None:
    run = regate("test", "--tests", str(TESTS))
    assert run.exit_code == 0, run.output
    *_, summary = run.stdout.splitlines()
    engine = "opa 1." if machine == "opa" else "the embedded engine"
    assert summary.startswith("PASS: ")
    assert f" by {engine}" in summary
    assert summary.endswith("coverage: 100 %")
    assert ("the tests run on the embedded engine" in run.stderr) == (machine == "without opa")


def test_what_fails_is_told_by_name_and_place(machine: str, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    file = tmp_path / "tests/x_test.rego"
    file.write_text(SOME_FAIL)
    junit = tmp_path / "junit.xml"
    run = regate("test", "--tests", str(file.parent), "--timeout", "1", "--junit", str(junit))
    assert run.exit_code == 1
    failed = {line.split(": ")[1]: line for line in run.stdout.splitlines() if line.startswith("FAIL ")}
    prefix = "data.policy_tests.x.test_"
    assert failed.keys() == {
        f"{prefix}bad", f"{prefix}case[two <\ufffd>]", f"{prefix}built_in", f"{prefix}loop"
    }  # fmt: skip
    assert f"{file}:5: " in failed[f"{prefix}bad"]
    assert "did not end" in failed[f"{prefix}loop"]
    assert "FAIL: 4/6" in run.stdout
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("7", "4")
    assert suite.find("testcase[@name='test_bad']/failure") is not None


def test_a_line_that_no_test_runs_is_told(machine: str, small: tuple[Path, Path], tmp_path: Path) -> None:
    policy, tests = small
    file = policy / "main.rego"
    file.write_text(file.read_text() + '\n_unused(1) := "x"\n')
    line = file.read_text().count("\n")
    junit = tmp_path / "junit.xml"
    run = regate("test", "--path", str(policy), "--tests", str(tests), "--junit", str(junit), "--json")
    report = json.loads(run.stdout)
    assert run.exit_code == 1
    assert report["not_covered"] == [{"file": str(file), "line": line}]
    assert {test["error"] for test in report["tests"]} == {""}
    assert f"{file}:{line}" in (ElementTree.parse(junit).findtext(".//failure") or "")


def test_no_tests_are_no_success(machine: str, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    run = regate("test", "--tests", str(tmp_path / "none"))
    assert run.exit_code == 1
    assert "no tests: expected rules test_" in run.stdout


def test_tests_that_cannot_be_compiled_are_another_failure(machine: str, tests: Path) -> None:
    (tests / "x_test.rego").write_text("package policy_tests.x\n\ntest_x if {\n")
    run = regate("test", "--tests", str(tests))
    assert run.exception is not None
    assert "x_test.rego:" in str(run.exception)


def test_a_test_cannot_reach_out_or_read_the_environment(machine_with_opa: None, tests: Path) -> None:
    """It may be somebody's pull request."""
    for call in ('http.send({"method": "get", "url": "http://127.0.0.1:9"})', "opa.runtime().env"):
        (tests / "x_test.rego").write_text(f"package policy_tests.x\n\ntest_x if {call}\n")
        failure = str(regate("test", "--tests", str(tests)).exception)
        assert "x_test.rego:3" in failure
        assert "must not carry data out" in failure


def _take_interrupts() -> None:
    """Undo what a shell does to a job in the background: it ignores SIGINT, and so do the job's children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_edit_runs_the_watched_tests_again(
    opa: Path, machine_with_opa: None, small: tuple[Path, Path]
) -> None:
    policy, tests = small
    watching = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "policy", "test", "--watch", "--path", policy, "--tests", tests],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_take_interrupts,
    )
    assert watching.stdout is not None
    try:
        assert "coverage: 100 %" in watching.stdout.readline()
        assert "waiting" in watching.stdout.readline()
        (tests / "x_test.rego").write_text("package policy_tests.x\n\ntest_x if {\n")
        assert "cannot be run" in watching.stdout.readline()
        while "waiting" not in watching.stdout.readline():
            time.sleep(0)
        (tests / "x_test.rego").write_text("package policy_tests.x\n\ntest_x := false\n")
        assert "FAIL" in watching.stdout.readline()
        while "waiting" not in watching.stdout.readline():
            time.sleep(0)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
    assert watching.returncode == 130
