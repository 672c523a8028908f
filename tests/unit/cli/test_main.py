"""The `regate` command: its sub-commands, and how errors reach the terminal."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.late import Late, _loaded
from cli.main import COMMANDS
from gateway import __version__
from tests.support import prefork
from tests.support.prefork import ROOT


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
    assert regate(command, "-h").stdout == told.stdout


@pytest.mark.parametrize(
    "command", ["policy check", "keys create", "audit sql", "sessions list", "tools pins"]
)
def test_a_command_of_a_group_takes_both_options_of_help(command: str) -> None:
    told = regate(*command.split(), "-h")
    assert told.returncode == 0, told.stderr
    assert told.stdout == regate(*command.split(), "--help").stdout


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


# What takes long to load, and the parts of the gateway that use it.
HEAVY = {
    *("aiohttp", "cryptography", "duckdb", "hyperscan", "jsonschema", "phonenumbers", "presidio_analyzer"),
    *("requests", "rich.progress", "sqlalchemy", "starlette", "yaml"),
}


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ((), set()),
        (("policy",), set()),
        (("audit",), set()),
        (("keys", "list"), {"cryptography", "sqlalchemy", "yaml"}),
        (("approvals", "list"), {"cryptography", "sqlalchemy", "yaml"}),
        (("policy", "test"), {"jsonschema", "yaml"}),
        (("policy", "docs"), {"jsonschema", "yaml"}),
        (("policy", "check"), {"jsonschema", "yaml"}),
        (("audit", "sql"), {"cryptography", "duckdb", "sqlalchemy", "yaml"}),
        (("audit", "verify"), {"cryptography", "duckdb", "rich.progress", "sqlalchemy", "yaml"}),
    ],
    ids=lambda said: " ".join(said) if isinstance(said, tuple) else "",
)
def test_a_command_loads_what_it_uses(arguments: tuple[str, ...], allowed: set[str]) -> None:
    """Commands of scripts start fast, and help is what a new user types first."""
    program = (
        "import sys; from cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('loaded:', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "cli.main" in loaded
    assert loaded & HEAVY <= allowed
    assert {name for name in COMMANDS if f"cli.{name}" in loaded} <= set(arguments)


def groups() -> Iterator[tuple[str, Late]]:
    for name, late in COMMANDS.items():
        yield name, late
        inner = getattr(importlib.import_module(late.place.partition(":")[0]), "COMMANDS", {})
        yield from ((f"{name} {leaf}", found) for leaf, found in inner.items())


@pytest.mark.parametrize(("command", "late"), list(groups()))
def test_the_help_says_of_a_command_what_it_says_of_itself(command: str, late: Late) -> None:
    own = _loaded(command.split()[-1], late)
    assert " ".join(own.help.split()).startswith(late.summary)
    assert (own.epilog or "") == late.epilog
