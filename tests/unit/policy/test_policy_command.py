"""`regate policy` does its work with OPA and, as far as that goes, without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.policy import app
from gateway.errors import ConfigError
from tests.unit.policy.conftest import LIBRARY, request_document

TESTS = LIBRARY.parents[1] / "policy_tests"


@pytest.fixture(params=["opa", "without opa"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine with or without OPA, and a configuration that names the library."""
    (tmp_path / "regate.yaml").write_text(
        f"providers:\n  demo: {{family: openai, base_url: builtin:demo}}\npolicy: {{path: {LIBRARY}}}\n"
    )
    monkeypatch.setenv("REGATE_CONFIG", str(tmp_path / "regate.yaml"))
    if request.param == "opa":
        monkeypatch.setenv("REGATE_OPA", str(request.getfixturevalue("opa")))
    else:
        monkeypatch.delenv("REGATE_OPA", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name: str = request.param
    return name


def regate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_library_is_in_order(machine: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = regate("check", "--tests", str(TESTS))
    assert run.exit_code == 0, run.output
    assert "in order, revision" in run.output


def test_a_fault_is_told_with_file_and_line(machine: str, policy: Path) -> None:
    (policy / "main.rego").write_text("package regate\n\ndecision := {\n")
    run = regate("check", "--path", str(policy))
    assert isinstance(run.exception, ConfigError)
    assert f"{policy}/main.rego:" in str(run.exception)


def test_the_tests_run(machine: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = regate("test", "--tests", str(TESTS))
    assert run.exit_code == 0, run.output
    assert "PASS: " in run.output + capfd.readouterr().out


def test_a_failing_test_is_told(machine: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "x_test.rego").write_text(
        "package policy_tests.x\n\ntest_good := true\n\ntest_bad := false\n\n"
        'test_cases["one"] := true\n\ntest_cases["two"] := false\n'
    )
    run = regate("test", "--tests", str(tests))
    assert run.exit_code != 0
    assert "test_bad" in run.output + capfd.readouterr().out


def test_no_tests_are_no_success(machine: str, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert regate("test", "--tests", str(tmp_path / "none"), "--path", str(LIBRARY)).exit_code != 0


def test_one_input_is_decided(machine: str, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps(request_document()))
    run = regate("eval", str(file))
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["action"] == "allow"


@pytest.mark.parametrize("text", ["[]", "{", None])
def test_an_input_that_is_no_document_is_refused(machine: str, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "input.json"
    if text is not None:
        file.write_text(text)
    assert isinstance(regate("eval", str(file)).exception, ConfigError)


def test_the_status_names_engine_and_revision(machine: str) -> None:
    run = regate("status", "--json")
    status = json.loads(run.stdout)
    assert run.exit_code == 0
    assert status["engine"] == ("sidecar" if machine == "opa" else "embedded")
    assert (len(status["revision"]), status["ready"], status["error"]) == (32, True, "")


def test_the_status_of_a_broken_policy_is_not_ready(machine: str, policy: Path) -> None:
    (policy / "main.rego").write_text("package regate\n\ndecision := {\n")
    run = regate("status", "--json", "--path", str(policy))
    assert run.exit_code == 1
    assert "main.rego" in json.loads(run.stdout)["error"]


def test_files_are_formatted(opa: Path, machine: str, policy: Path) -> None:
    file = policy / "main.rego"
    good = file.read_text()
    file.write_text(good.replace("\t", "  "))
    arguments = ("--path", str(policy))
    if machine != "opa":
        assert isinstance(regate("fmt", *arguments).exception, ConfigError)
        return
    assert regate("fmt", "--check", *arguments).exit_code != 0
    assert regate("check", *arguments).exit_code == 1
    assert regate("fmt", *arguments).exit_code == 0
    assert file.read_text() == good
    assert regate("fmt", "--check", *arguments).exit_code == 0


@pytest.mark.parametrize("command", ["check", "test", "fmt", "eval", "status"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    run = regate(command, "--help")
    assert run.exit_code == 0
    assert "Example: regate policy" in run.output
