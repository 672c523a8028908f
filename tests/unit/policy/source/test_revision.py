"""A revision names a commit only where the files are that commit's, whatever git was told to overlook."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.policy.source.revision import revision_of

DIGEST = "0123456789abcdef"


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Runs git in `tmp_path`, a repository with one commit of a policy."""

    def run(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("init", "-q")
    (tmp_path / "rego" / "settings").mkdir(parents=True)
    (tmp_path / "rego" / "main.rego").write_text("package regate\n")
    (tmp_path / "rego" / "settings" / "data.yaml").write_text("a: 1\n")
    (tmp_path / ".gitignore").write_text("ignored.rego\n")
    run("add", ".")
    run("commit", "-qm", "first")
    return run


def test_the_files_of_a_commit_are_called_by_it(git: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere.rego").write_text("not of the policy")
    (tmp_path / "rego" / "README.md").write_text("not in the bundle")
    assert revision_of(tmp_path / "rego", DIGEST) == git("rev-parse", "HEAD")


@pytest.mark.parametrize("edit", ["changed", "added", "ignored", "gone", "assumed unchanged", "staged"])
def test_files_that_differ_are_called_dirty(git: Callable[..., str], tmp_path: Path, edit: str) -> None:
    main = tmp_path / "rego" / "main.rego"
    match edit:
        case "changed":
            main.write_text("package regate\n\nx := 1\n")
        case "added":
            (tmp_path / "rego" / "more.rego").write_text("package regate\n")
        case "ignored":
            (tmp_path / "rego" / "ignored.rego").write_text("package regate\n")
        case "gone":
            main.unlink()
        case "assumed unchanged":
            git("update-index", "--assume-unchanged", "rego/main.rego")
            main.write_text("package regate\n\nx := 1\n")
        case "staged":
            main.write_text("package regate\n\nx := 1\n")
            git("add", ".")
    commit = git("rev-parse", "HEAD")
    assert revision_of(tmp_path / "rego", DIGEST) == f"{commit}-dirty-{DIGEST[:12]}"


def test_without_git_the_files_are_called_by_their_digest(
    git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rego"
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / ".git").rename(tmp_path / "moved")
    assert revision_of(folder, DIGEST) == DIGEST
    (tmp_path / "moved").rename(tmp_path / ".git")
    monkeypatch.setenv("PATH", str(folder))
    assert revision_of(folder, DIGEST) == DIGEST
