"""The wheel holds what runs, and `scripts/check-wheel` notices when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "README.md", "LICENSE", "scripts/check-wheel"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "regate.yaml", tmp_path)
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(ROOT / ".github/workflows/policy.yml", tmp_path / ".github" / "workflows")
    for name in ("gateway", "cli", "policies", "policy_tests", ".regal", ".vscode"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def check(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable}
    command = [project / "scripts" / "check-wheel", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_runs_without_the_checkout(project: Path) -> None:
    run = check(project, "dist")
    assert run.returncode == 0, run.stderr
    assert [path.name for path in (project / "dist").iterdir()] == ["regate-0.1.0-py3-none-any.whl"]


def test_a_template_that_is_left_out_is_noticed(project: Path) -> None:
    page = project / "pyproject.toml"
    packages = 'packages = ["gateway", "cli"]\n'
    assert packages in page.read_text()
    page.write_text(page.read_text().replace(packages, packages + 'exclude = ["base.html"]\n'))
    run = check(project)
    assert run.returncode == 1
    assert "not in the wheel: gateway/http/console/templates/base.html" in run.stderr


def test_types_that_are_gone_are_noticed(project: Path) -> None:
    (project / "gateway" / "py.typed").unlink()
    run = check(project)
    assert (run.returncode, "gateway/py.typed" in run.stderr) == (1, True)
