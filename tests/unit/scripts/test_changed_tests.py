"""`make test-fast` runs the test files that mirror what changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.changed_tests import changed, mirrors_of

PRESENT = (
    "tests/unit/state/test_keys.py",
    "tests/unit/state/test_usage.py",
    "tests/unit/cli/policy/test_check.py",
    "tests/unit/scripts/test_audit.py",
    "tests/unit/test_plain_english.py",
    "tests/unit/test_names.py",
    "tests/unit/test_readme.py",
)
CHECKS = ["tests/unit/test_names.py", "tests/unit/test_plain_english.py"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in PRESENT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("gateway/state/keys.py", ["tests/unit/state/test_keys.py", *CHECKS]),
        (
            "gateway/state/schema.py",
            ["tests/unit/state/test_keys.py", "tests/unit/state/test_usage.py", *CHECKS],
        ),
        ("cli/policy/check.py", ["tests/unit/cli/policy/test_check.py", *CHECKS]),
        ("gateway/serve.py", CHECKS),
        ("scripts/audit.py", ["tests/unit/scripts/test_audit.py"]),
        ("tests/unit/state/test_usage.py", ["tests/unit/state/test_usage.py"]),
        ("tests/unit/state/test_gone.py", []),
        ("tests/unit/state/conftest.py", ["tests/unit/state/test_keys.py", "tests/unit/state/test_usage.py"]),
        ("docs/architecture.md", ["tests/unit/test_plain_english.py"]),
        ("requirements.lock", []),
    ],
)
def test_a_file_has_the_tests_that_mirror_it(project: Path, file: str, tests: list[str]) -> None:
    assert [str(path) for path in mirrors_of(project, [Path(file)])] == tests


def test_changed_is_what_differs_from_main(project: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=dana", "-c", "user.email=dana@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    assert changed(project) == []
    git("checkout", "-q", "-b", "topic")
    (project / "committed.py").touch()
    git("add", ".")
    git("commit", "-q", "-m", "Go on")
    (project / "tests/unit/test_readme.py").write_text("edited")
    (project / "new.py").touch()
    assert set(map(str, changed(project))) == {"committed.py", "tests/unit/test_readme.py", "new.py"}


def test_without_a_commit_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="git"):
        changed(tmp_path)
