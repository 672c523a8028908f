"""`make audit` fails on a version that an advisory is about, and on nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
AUDIT = ROOT / "scripts" / "audit.py"
ADVISORIES = json.loads((ROOT / "scripts" / "advisories.json").read_text())
FIXES = [
    (affected["package"]["name"], bound)
    for advisory in ADVISORIES
    for affected in advisory["affected"]
    for events in affected["ranges"]
    for event in events["events"]
    if (bound := event.get("fixed"))
]


def audit(folder: Path, lock: str, opa: str = "99.0.0", *more: Path) -> subprocess.CompletedProcess[str]:
    (folder / "lock").write_text(lock)
    (folder / "opa").write_text(f"#!/bin/sh\nVERSION={opa}\n")
    command = [sys.executable, AUDIT, "--lock", folder / "lock", "--opa", folder / "opa", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_applies_to_what_is_locked() -> None:
    run = subprocess.run([sys.executable, AUDIT], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


def planted(name: str, version: str) -> tuple[str, str]:
    """A lock, and the pinned OPA, with this version of one package."""
    if "/" in name:
        return "else==1.0\n", version
    return f"else==1.0\n{name.title()}=={version} ; python_version > '3' \\\n", "99.0.0"


@pytest.mark.parametrize(("name", "fixed"), FIXES)
def test_a_version_before_the_fix_fails(tmp_path: Path, name: str, fixed: str) -> None:
    run = audit(tmp_path, *planted(name, f"{fixed}rc1"))
    assert run.returncode == 1
    assert f"{name} {fixed}rc1: " in run.stdout


@pytest.mark.parametrize("name", sorted({name for name, _ in FIXES}))
def test_a_version_after_every_fix_passes(tmp_path: Path, name: str) -> None:
    run = audit(tmp_path, *planted(name, "9999.0"))
    assert (run.returncode, run.stdout) == (
        0,
        f"{2 + ('/' not in name)} versions, {len(ADVISORIES)} advisories: none applies\n",
    )


def test_advisories_of_ones_own_count_too(tmp_path: Path) -> None:
    listed = {"package": {"ecosystem": "PyPI", "name": "else"}, "versions": ["1.0"]}
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.json").write_text(json.dumps({"id": "OURS-1", "affected": [listed]}))
    run = audit(tmp_path, "else==1.0\n", "99.0.0", tmp_path / "more")
    assert (run.returncode, "OURS-1" in run.stdout) == (1, True)


def test_nothing_to_check_is_no_success(tmp_path: Path) -> None:
    assert audit(tmp_path, "").returncode == 2
