"""A change of policy that an agent proposes: tried in a copy, given back as a diff, written nowhere."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from cli.policy.check import look_at
from cli.policy.folders import test_folder
from cli.policy.testing import run_tests
from gateway.config import Config
from gateway.errors import ConfigError

_TEST_SECONDS = 30.0
_SUFFIXES = (".rego", ".yaml", ".yml", ".json")
_MOST_CHARACTERS = 1024 * 1024  # of one file


@dataclass(frozen=True, slots=True)
class Copy:
    """The project in a folder of its own, with the change; `tests` are those of the policy."""

    config: Config
    tests: Path


@contextmanager
def copied(config: Config, files: Mapping[str, str]) -> Iterator[Copy]:
    """Copy policy and tests, and write the files there. Raises ConfigError on a path outside of the two."""
    tests = test_folder(config, None)
    with tempfile.TemporaryDirectory(prefix="regate-proposal-") as folder:
        policy = msgspec.structs.replace(config.policy, path=str(Path(folder, "policy")), verify_key="")
        copy = Copy(msgspec.structs.replace(config, policy=policy), Path(folder, "tests"))
        shutil.copytree(config.policy_path, copy.config.policy_path)
        if tests.is_dir():
            shutil.copytree(tests, copy.tests)
        for name, text in files.items():
            target = _target(config, name, copy)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        yield copy


def proposed(config: Config, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the diff, and what check and tests say of the change. Raises ConfigError, OpaFailed."""
    with copied(config, files) as copy:
        folders = [copy.config.policy_path, *([copy.tests] if copy.tests.is_dir() else [])]
        found = look_at(copy.config, folders)
        faults = [_at_home(str(fault), config, copy) for fault in found.faults]
        report = None if faults else run_tests(copy.config, copy.tests, _TEST_SECONDS)
        lines = [] if report is None else [_at_home(line, config, copy) for line in report.lines()]
    return {
        "diff": "".join(_diff(config, files)),
        "faults": faults,
        "tests": lines,
        "passed": not faults and report is not None and report.passed,
        "apply": "nothing was written: show the diff to a person, who applies it with `git apply`",
    }


def _target(config: Config, name: str, copy: Copy) -> Path:
    """Return where a file of the project stands in the copy."""
    path = PurePosixPath(name)
    for home, there in _homes(config, copy):
        if path.is_relative_to(home) and path.suffix in _SUFFIXES and ".." not in path.parts:
            return there / path.relative_to(home)
    homes = " or ".join(home.as_posix() for home, _ in _homes(config, copy))
    raise ConfigError(f"{name}: expected a file (*.rego, *.yaml, *.json) below {homes}")


def _homes(config: Config, copy: Copy) -> list[tuple[PurePosixPath, Path]]:
    return [
        (PurePosixPath(named(config, config.policy_path)), copy.config.policy_path),
        (PurePosixPath(named(config, test_folder(config, None))), copy.tests),
    ]


def named(config: Config, path: Path) -> str:
    """Return a file or folder as the project names it."""
    return path.relative_to(config.root).as_posix() if path.is_relative_to(config.root) else path.as_posix()


def _diff(config: Config, files: Mapping[str, str]) -> Iterator[str]:
    for name, text in sorted(files.items()):
        path = config.root / name
        before = path.read_text("utf-8").splitlines(keepends=True) if path.is_file() else []
        old, new = (f"a/{name}" if before else "/dev/null"), f"b/{name}"
        for line in difflib.unified_diff(before, text.splitlines(keepends=True), old, new):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _at_home(text: str, config: Config, copy: Copy) -> str:
    """Return what was said of the copy as said of the project."""
    for home, there in _homes(config, copy):
        text = text.replace(str(there.resolve()), home.as_posix()).replace(str(there), home.as_posix())
    return text


def texts_of(files: Any) -> dict[str, str]:
    """Return the files of a proposal by their paths. Raises ConfigError on what is none."""
    if not isinstance(files, dict) or not files:
        raise ConfigError("files: expected the whole text of each file by its path")
    for name, text in files.items():
        if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
            raise ConfigError(f"{name}: expected text of at most {_MOST_CHARACTERS:,} characters")
    return files
