"""The README's first rule is what it says: it passes its own test, and the test fails without it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import prefork

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```rego\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests")
    shutil.copy(ROOT / "regate.yaml", tmp_path)
    return tmp_path


def regate(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*prefork.program(), "policy", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_first_rule_and_its_test_pass_as_printed(project):
    rule, test = BLOCKS
    (project / "policies/rego/rules/freeze.rego").write_text(rule)
    (project / "policy_tests/freeze_test.rego").write_text(test)
    checked = regate(project, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = regate(project, "test")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_test_fails_without_the_rule(project):
    (project / "policy_tests/freeze_test.rego").write_text(BLOCKS[1])
    tested = regate(project, "test")
    assert tested.returncode != 0
    assert "test_contractors_do_not_deploy" in tested.stdout
