"""Policy tests on the embedded engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import rego_tests
from cli.rego_report import TestReport as Report  # pytest would take the name for a test's
from gateway.errors import ConfigError
from gateway.policy import load_source

pytest.importorskip("regorus", reason="the embedded engine is not installed")

POLICY = 'package regate\n\ndecision := {"action": "allow"} if input.model\n\n_never if input.path\n'
LOOP = "count([1 | some x in numbers.range(1, 9e4); some y in numbers.range(1, 9e4); x + y == 0]) == 1"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy of two rules."""
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "main.rego").write_text(POLICY)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the tests are, with data for them and with an editor's hidden files."""
    folder = tmp_path / "tests"
    (folder / "cases").mkdir(parents=True)
    (folder / "cases/x.yaml").write_text("expected: allow\n")
    (folder / "cases/y.json").write_text('{"count": 2}')
    (folder / ".git").mkdir()
    for hidden in (".x.rego", ".git/y.rego", ".git/z.yaml"):
        (folder / hidden).write_text("{")
    return folder


def run(policy: Path, folder: Path, rules: str, seconds: float = 20) -> Report:
    (folder / "x_test.rego").write_text(f"package x\n\n{rules}")
    return rego_tests.run_tests(load_source(policy), folder, seconds=seconds)


def test_data_is_rooted_at_the_folder_of_its_file_and_hidden_files_are_left_out(folder: Path) -> None:
    (folder / "a_test.rego").write_text("package a\n")
    assert rego_tests.rego_files(folder) == [folder / "a_test.rego"]
    assert list(rego_tests.documents(folder)) == [{"cases": {"expected": "allow"}}, {"cases": {"count": 2}}]


@pytest.mark.parametrize(
    ("text", "why"), [("a: [", "cannot be read as YAML"), ("- a\n", "expected a mapping")]
)
def test_data_that_cannot_be_rooted_are_refused_with_their_file(folder: Path, text: str, why: str) -> None:
    (folder / "data.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"data\.yaml: {why}"):
        list(rego_tests.documents(folder))


def test_the_tests_of_a_module_are_named_once_with_their_package() -> None:
    module = "package a.b\n\ntest_x if 1\n\ntest_x if 2\n\ntest_y[case] if 3\n\nhelper if 4\n\n\ttest_z\n"
    assert list(rego_tests.test_names(module)) == ["data.a.b.test_x", "data.a.b.test_y"]
    assert list(rego_tests.test_names("test_x if 1\n")) == []


def test_lines_of_the_policy_that_no_test_runs_are_told(policy: Path, folder: Path) -> None:
    """The tests ask the policy, and read their data."""
    report = run(
        policy,
        folder,
        'test_allow if data.regate.decision.action == data.cases.expected with input as {"model": "m"}\n',
    )
    assert [(each.name, each.error) for each in report.outcomes] == [("data.x.test_allow", "")]
    assert report.not_covered == [(str(policy / "main.rego"), 5)]


def test_each_case_of_a_test_is_an_outcome_with_its_place(policy: Path, folder: Path) -> None:
    cases = 'test_case[name] := passed if some name, passed in {"one": true, "two": false}\n\n'
    report = run(
        policy, folder, cases + "test_none contains 1 if input.model\n\ntest_undefined if input.model\n"
    )
    found = {(each.name, each.case): (each.error, each.file, each.line) for each in report.outcomes}
    file = str(folder / "x_test.rego")
    assert found[("data.x.test_case", "one")] == ("", file, 3)
    assert found[("data.x.test_case", "two")] == ("not true", file, 3)
    assert found[("data.x.test_undefined", "")] == ("not true", file, 7)
    assert report.not_covered is None


def test_a_test_that_does_not_end_is_ended_and_the_others_run(policy: Path, folder: Path) -> None:
    """They get another engine."""
    report = run(policy, folder, f"test_a := true\n\ntest_loop if {LOOP}\n\ntest_z := true\n", seconds=1)
    assert [(each.name, each.error) for each in report.outcomes] == [
        ("data.x.test_a", ""),
        ("data.x.test_loop", "did not end within 1 s"),
        ("data.x.test_z", ""),
    ]


def test_files_that_cannot_be_compiled_are_refused_with_their_place(policy: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"x_test\.rego:4:1"):
        run(policy, folder, "test_x if {\n")
