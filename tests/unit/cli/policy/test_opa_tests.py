"""`opa test` with the real OPA, as a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.policy.opa_tests import run_tests
from gateway.errors import ConfigError

POLICY = "package regate.x\n\nasked if input.model\n\nnever if input.path\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A policy of two rules, and an empty folder for its tests."""
    policy, tests = tmp_path / "policy", tmp_path / "tests"
    policy.mkdir()
    tests.mkdir()
    (policy / "x.rego").write_text(POLICY)
    return policy, tests


def test_places_of_the_policy_that_no_test_runs_are_told_and_those_of_the_tests_are_not(
    opa: Path, folders: tuple[Path, Path]
) -> None:
    policy, tests = folders
    (tests / "x_test.rego").write_text(
        'package x\n\ntest_asked if data.regate.x.asked with input as {"model": "m"}\n\n_unused if input.a\n'
    )
    report = run_tests(opa, policy, folders, 5)
    assert report.engine.startswith("opa 1.")
    assert [(each.name, each.error) for each in report.outcomes] == [("data.x.test_asked", "")]
    assert report.not_covered == [(str(policy / "x.rego"), 5)]


def test_each_case_of_a_test_is_an_outcome_with_its_place(opa: Path, folders: tuple[Path, Path]) -> None:
    """Coverage is unknown until all pass, and a test that is to be skipped is not run."""
    policy, tests = folders
    file = tests / "x_test.rego"
    file.write_text(
        'package x\n\ntest_case[name] := passed if some name, passed in {"one": true, "two": false}\n\n'
        "test_bad := false\n\ntodo_test_later := false\n"
    )
    report = run_tests(opa, policy, folders, 5)
    found = {(each.name, each.case): (each.error, each.line, each.skipped) for each in report.outcomes}
    assert found == {
        ("data.x.test_case", "one"): ("", 3, False),
        ("data.x.test_case", "two"): ("not true", 3, False),
        ("data.x.test_bad", ""): ("not true", 5, False),
        ("data.x.todo_test_later", ""): ("", 7, True),
    }
    assert {each.file for each in report.outcomes} == {str(file)}
    assert report.not_covered is None


@pytest.mark.parametrize(
    "loop",
    [
        "n := numbers.range(1, 2e3); count([1 | some x in n; some y in n; some z in n; x + y + z == 0]) == 1",
        pytest.param("count(numbers.range(1, 9e9)) == 1", id="within a built-in"),
    ],
)
def test_a_test_that_does_not_end_is_one_that_failed(
    opa: Path, folders: tuple[Path, Path], loop: str
) -> None:
    policy, tests = folders
    (tests / "x_test.rego").write_text(f"package x\n\ntest_loop if {{ {loop} }}\n")
    (outcome,) = run_tests(opa, policy, folders, 0.5).outcomes
    assert (outcome.name, outcome.error) == ("data.x.test_loop", "did not end in time")


def test_no_test_is_a_report_without_outcomes(opa: Path, folders: tuple[Path, Path]) -> None:
    report = run_tests(opa, folders[0], folders, 5)
    assert (report.outcomes, report.passed) == ([], False)


def test_files_that_cannot_be_compiled_are_refused_with_their_place(
    opa: Path, folders: tuple[Path, Path]
) -> None:
    (folders[1] / "x_test.rego").write_text("package x\n\ntest_x if y\n")
    with pytest.raises(ConfigError, match=r"the tests cannot be run: [^\n]*x_test\.rego:3"):
        run_tests(opa, folders[0], folders, 5)
