"""`regate init` writes a folder in which every command works, and overwrites nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.first.init import app
from gateway.errors import ConfigError
from tests.support import prefork
from tests.support.prefork import ROOT


def init(folder: Path) -> Result:
    return CliRunner().invoke(app, [str(folder)])


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_the_commands_that_it_names_work_in_the_folder(tmp_path: Path) -> None:
    """`up` among them, which `scripts/check-wheel` starts from a wheel."""
    folder = tmp_path / "gate"
    told = init(folder)
    assert told.exit_code == 0
    next_steps = [line.partition("#")[0].split() for line in told.stdout.partition("next\n")[2].splitlines()]
    assert next_steps == [
        ["cd", str(folder)],
        ["regate", "policy", "test"],
        ["regate", "up"],
        ["regate", "doctor"],
    ]
    environment = {**os.environ, "REGATE_CONFIG": str(folder / "regate.yaml")}
    tested = prefork.run(["policy", "test"], folder=folder, environment=environment, seconds=300)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    looked = prefork.run(["doctor"], folder=folder, environment=environment, seconds=300)
    assert looked.returncode == 0, looked.stdout + looked.stderr


def test_what_was_there_before_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "regate.yaml").write_text("mine")
    told = init(tmp_path)
    assert told.exit_code == 0
    assert "1 were there before and are as they were: regate.yaml" in told.stdout
    before = files_in(tmp_path)
    assert before["regate.yaml"] == b"mine"
    assert len(before) > 40
    assert "0 files written" in init(tmp_path).stdout
    assert files_in(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "gate").write_text("a file")
    told = init(tmp_path / "gate")
    assert isinstance(told.exception, ConfigError)
    assert "cannot be written" in str(told.exception)
    (tmp_path / "other" / "regate.yaml").mkdir(parents=True)
    told = init(tmp_path / "other")
    assert isinstance(told.exception, ConfigError)


@pytest.mark.parametrize("name", ["policies", "regate.yaml"])
def test_a_link_is_not_followed_to_write(tmp_path: Path, name: str) -> None:
    """A name that is there is there, wherever it leads."""
    target = tmp_path / "elsewhere"
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / name).symlink_to(target)
    told = init(tmp_path / "gate")
    assert isinstance(told.exception, ConfigError)
    assert not target.exists()
    assert ROOT.joinpath(name).exists()
