"""The templates for CI and for commits run commands that there are, on the files that they are about."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.policy.conftest import regate
from tests.unit.policy.conftest import TESTS

ROOT = TESTS.parent
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/policy.yml").read_text())
EVERY_HOOK: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
HOOKS = [hook for hook in EVERY_HOOK if hook["entry"].startswith("regate policy ")]
STEPS = [step.get("run", "") for step in WORKFLOW["jobs"]["policy"]["steps"]]
COMMANDS = [run for run in STEPS if run.startswith("regate ")] + [hook["entry"] for hook in HOOKS]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_template_runs_a_command_that_passes(
    machine_with_opa: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.chdir(ROOT)
    name, *arguments = shlex.split(command.partition(" > ")[0])[2:]
    if name == "test":
        monkeypatch.chdir(tmp_path)  # for its report
    if name in ("test", "check"):
        arguments += ["--tests", str(TESTS)]
    if name == "backtest":  # nothing is recorded, and it says so
        assert "could be replayed" in str(regate(name, *arguments).exception)
        return
    if name == "fmt":
        arguments.append("--check")
    run = regate(name, *arguments)
    assert run.exit_code == 0, run.output


def test_the_hooks_run_for_policy_files_alone() -> None:
    assert [hook["id"] for hook in HOOKS] == [
        "regate-policy-fmt",
        "regate-policy-check",
        "regate-policy-test",
    ]
    for hook in HOOKS:
        assert re.search(hook["files"], "policies/rego/rules/access.rego")
        assert not re.search(hook["files"], "gateway/policies/rego.py")
