"""`regate policy` does its work with OPA and, as far as that goes, without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from tests.unit.cli.policy.conftest import regate


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


@pytest.mark.parametrize("command", ["new", "check", "test", "fmt", "eval", "docs", "explain", "status"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    run = regate(command, "--help")
    assert run.exit_code == 0
    assert "Example: regate policy" in run.output
