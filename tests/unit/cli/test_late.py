"""A group of commands loads one of them, and only when it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.late import Late, late_group

MODULE = '''
import typer

def greet(name: str = "you") -> None:
    """Say hello. Politely."""
    typer.echo(f"hello {name}")
'''
COMMANDS = {
    "greet": Late("late_greeting:greet", "Say hello. Politely.", "Example: greet --name Ann"),
    "broken": Late("late_that_is_not_there", "Never loads."),
}


@pytest.fixture(autouse=True)
def greeting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_greeting.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "late_greeting", raising=False)


def test_the_help_of_a_group_names_each_command_and_loads_none() -> None:
    told = CliRunner().invoke(late_group("Greetings.", COMMANDS), ["--help"])
    assert told.exit_code == 0
    assert all(
        text in told.stdout for text in ("Greetings.", "greet", "Say hello.", "broken", "Never loads.")
    )
    assert "late_greeting" not in sys.modules


def test_the_command_that_is_asked_for_runs_and_has_its_own_help() -> None:
    app = late_group("Greetings.", COMMANDS)
    assert CliRunner().invoke(app, ["greet", "--name", "Ann"]).stdout == "hello Ann\n"
    told = CliRunner().invoke(app, ["greet", "--help"]).stdout
    assert "Example: greet --name Ann" in told


def test_an_unknown_command_is_a_wrong_use() -> None:
    assert CliRunner().invoke(late_group("Greetings.", COMMANDS), ["nowhere"]).exit_code == 2
