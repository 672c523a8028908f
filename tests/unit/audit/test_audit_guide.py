"""The audit guide, typed from top to bottom over a small history: every command of it, in its order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.support import prefork
from tests.support.history import write_history

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guides" / "audit.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AUDITORS = "/mnt/auditor"


@pytest.fixture
def auditor(tmp_path: Path) -> Path:
    """A folder with a history, and `regate` to type in it."""
    write_history(tmp_path / "audit", tmp_path / "state" / "evidence.key")
    shutil.copy(ROOT / "regate.yaml", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "elsewhere").mkdir()
    prefork.install(tmp_path / "bin" / "regate")
    return tmp_path


def type_in(folder: Path, command: str) -> str:
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("REGATE_CONFIG", None)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.timeout(600)
def test_every_command_of_the_guide_does_what_the_guide_says(auditor: Path) -> None:
    said: dict[str, str] = {}
    for language, text in BLOCK.findall(GUIDE.replace(_AUDITORS, str(auditor / "elsewhere"))):
        if language == "yaml":
            config = yaml.safe_load((auditor / "regate.yaml").read_text())
            config["audit"] |= yaml.safe_load(text)["audit"]
            (auditor / "regate.yaml").write_text(yaml.safe_dump(config))
            continue
        assert language == "sh"
        for command in text.splitlines():
            said[f"{len(said)} {command}"] = type_in(auditor, command)
    told = list(said.items())

    def answer(start: str, place: int = 0) -> str:
        return [out for command, out in told if command.split(" ", 1)[1].startswith(start)][place]

    assert "support-bot" in answer("regate sessions list")
    assert "alice" in answer('regate audit sql "SELECT agent')
    assert "a tool's result gives orders" in answer("regate sessions show")
    assert "checked with legal" in answer("regate sessions replay")
    assert "<html" in (auditor / "session.html").read_text()
    assert "PRIVATE_KEY in the prompt" in answer('regate audit sql "SELECT recorded_at, agent')
    assert "erin" in answer('regate audit sql "SELECT approval_id')
    assert "SOC2:CC6.7" in (auditor / "controls.csv").read_text()
    assert "EMAIL_ADDRESS" in answer('regate audit sql "SELECT provider, entity')
    assert "intact" in answer("regate audit verify")
    assert "sealed" in answer("regate audit seal")
    assert re.search(r"[1-9]\d* roots as anchored", answer("regate audit verify", 1))
    assert "is in the evidence signed at" in answer("regate audit verify", 2)
    assert "/v1/chat/completions" in (auditor / "week.ndjson").read_text()
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM '{auditor}/decisions.parquet'").fetchall() == [(11,)]
    assert '"class_uid": 6003' in (auditor / "events.ndjson").read_text()
    assert re.search(r"[1-9]\d* bodies erased", answer("regate audit erase"))
    assert "intact" in answer("regate audit verify", 3)
    assert "request 4711" in answer('regate audit sql "SELECT recorded_at, code')
    left = type_in(auditor, "regate audit sql \"SELECT body FROM records WHERE kind <> 'gateway'\"")
    assert "Write to" not in left


def test_every_command_that_the_guide_names_exists(auditor: Path) -> None:
    """Also those inside its sentences."""
    named = set(re.findall(r"regate (audit|sessions|policy) ([a-z]+)", GUIDE))
    assert {"verify", "prove", "erase", "export", "sql", "seal"} <= {command for _, command in named}
    for group in {group for group, _ in named}:
        told = type_in(auditor, f"regate {group} --help")
        for command in (command for name, command in named if name == group):
            assert re.search(rf"\b{command}\b", told), command
