"""`regate tools`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.tools import app
from gateway.config import load_config
from gateway.oversight import UnknownTool
from gateway.state import ToolPins, open_state


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "regate.yaml"
    path.write_text("providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    monkeypatch.setenv("REGATE_CONFIG", str(path))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_pins_are_listed_and_one_is_forgotten(config: Path) -> None:
    assert run("pins").stdout == "no tools are pinned\n"
    state = open_state(load_config(config).state_path)
    asyncio.run(ToolPins(state).keep("office/mcp", {"send": "d1", "read": "d2"}))
    state.close()

    listed = json.loads(run("pins", "--json").stdout)
    assert [(one["server"], one["tool"], one["digest"]) for one in listed] == [
        ("office/mcp", "read", "d2"),
        ("office/mcp", "send", "d1"),
    ]
    assert run("forget", "office/mcp", "send").stdout == "the tool send of office/mcp is forgotten\n"
    assert run("pins").stdout.startswith("office/mcp  read  d2  since ")
    assert "send" not in run("pins").stdout
    assert isinstance(run("forget", "office/mcp", "send").exception, UnknownTool)
