"""`regate demo` shows what the gateway does, and leaves a folder in which what it showed works."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tests.support import prefork


def test_every_command_that_the_demonstration_shows_works_in_its_folder(tmp_path: Path) -> None:
    environment = {**os.environ}
    environment.pop("REGATE_CONFIG", None)
    shown = prefork.run(["demo", "shown"], folder=tmp_path, environment=environment, seconds=300)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for action in ("allow, HTTP 200", "mask, HTTP 200", "deny, HTTP 403"):
        assert action in shown.stdout
    assert "approved     by a colleague" in shown.stdout
    assert "model saw    Write to <EMAIL_ADDRESS_" in shown.stdout
    commands = {
        line[line.index("regate ") :]
        for line in shown.stdout.splitlines()
        if "  regate " in line or "$ regate" in line
    }
    assert len(commands) == 7
    for command in sorted(commands):
        ran = prefork.run(
            shlex.split(command)[1:], folder=tmp_path / "shown", environment=environment, seconds=300
        )
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        assert ran.stdout.strip(), command
