"""What stands beside the code tells the truth: version, release notes, hooks and workflows."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
SOURCE = re.compile(r"`((?:gateway|cli|tests|scripts)/[\w./-]+)`")
EXAMPLES = {"gateway/x/y.py", "tests/unit/x/test_y.py"}
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


def test_the_version_is_said_once_in_each_place() -> None:
    assert PROJECT["version"] == __version__
    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    notes = (ROOT / "docs" / "releases" / f"{__version__}.md").read_text("utf-8")
    assert notes.startswith(f"# Regate {__version__}\n")


def test_every_release_has_its_notes() -> None:
    released = re.findall(r"^## (\d\S*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(released) == sorted(path.stem for path in (ROOT / "docs" / "releases").glob("*.md"))


@pytest.mark.parametrize(
    "hook", [hook for repo in HOOKS["repos"] for hook in repo["hooks"]], ids=lambda hook: hook["id"]
)
def test_hooks_are_local_and_known_to_make_check(hook: dict[str, Any]) -> None:
    assert [repo["repo"] for repo in HOOKS["repos"]] == ["local"]
    assert hook["language"] == "system"
    program, *arguments = shlex.split(hook["entry"])
    assert program.startswith(".venv/bin/")
    recipes = (ROOT / "Makefile").read_text("utf-8")
    command = " ".join(["$(BIN)/" + program.removeprefix(".venv/bin/"), *arguments])
    assert command in recipes or arguments == [
        "policy",
        "fmt",
        "--check",
    ]  # `make check` has it in `policy check`


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [
        target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = set(SOURCE.findall(page.read_text("utf-8"))) - EXAMPLES
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_workflows_run_what_is_here() -> None:
    folder = ROOT / ".github" / "workflows"
    for name, command in (
        ("ci.yml", ".ci/run"),
        ("release.yml", ".ci/run"),
        ("release.yml", "scripts/check-wheel"),
    ):
        workflow = yaml.safe_load((folder / name).read_text("utf-8"))
        steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
        assert any(command in step for step in steps), (name, command)
        assert (ROOT / command).stat().st_mode & 0o111
