"""The audit folder of the evidence's own tests, and the command line beside it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import prefork
from tests.unit.audit.conftest import Evidence, evidence, written

__all__ = ["Command", "evidence", "regate", "written"]

PROJECT = Path(__file__).parents[4]


class Command:
    """The command line in the folder of a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.joinpath("regate.yaml").write_text(
            "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n", encoding="utf-8"
        )

    def start(self, *arguments: str, **pipes: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefork.program(), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
        )

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return out if code == 0 else out + err


@pytest.fixture
def regate(evidence: Evidence, tmp_path: Path) -> Command:
    """The test's evidence folder is the one that the configuration names."""
    return Command(tmp_path)
