"""The `regate` command: its sub-commands, and how errors reach the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import __version__
from tests.support import prefork
from tests.support.prefork import ROOT

COMMANDS = ("up", "doctor", "keys", "approvals", "policy", "audit", "sessions")


def regate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return prefork.run(arguments, folder=ROOT, environment={**os.environ, **environment}, seconds=60)


def configured(folder: Path, text: str) -> str:
    file = folder / "regate.yaml"
    file.write_text(text)
    return str(file)


def test_help_names_every_command_and_the_version_is_said() -> None:
    told = regate("--help")
    assert told.returncode == 0
    assert [name for name in COMMANDS if f" {name} " not in told.stdout] == []
    assert regate("--version").stdout == f"{__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_found_in_its_module(command: str) -> None:
    told = regate(command, "--help")
    assert told.returncode == 0, told.stderr
    assert f" {command} " in told.stdout


def test_an_unknown_command_is_a_wrong_use() -> None:
    told = regate("nowhere")
    assert told.returncode == 2
    assert "No such command 'nowhere'" in told.stderr


def test_a_wrong_configuration_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    told = regate("keys", "list", REGATE_CONFIG=configured(tmp_path, "providers: 1\n"))
    assert (told.returncode, told.stdout) == (2, "")
    (line,) = told.stderr.splitlines()
    assert line.startswith("regate: ")
    assert "providers" in line


def test_any_other_error_of_ours_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    config = configured(tmp_path, "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    told = regate("sessions", "show", "se_9", REGATE_CONFIG=config)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("regate: ")
    assert told.stderr.count("\n") == 1


def test_a_command_loads_its_own_module_alone() -> None:
    """Commands of scripts start fast: `keys` needs nothing of `policy`."""
    program = (
        "import sys; from cli.main import app\n"
        "try: app(['keys', '--help'])\n"
        "except SystemExit: pass\n"
        "assert 'cli.keys' in sys.modules\n"
        "print('loaded:', *sorted({'cli.up', 'cli.policy', 'cli.audit', 'cli.doctor'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded:"
