"""A backtest by a tool says what a proposal would have decided; nothing is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cli.mcp.tools import tools_of
from gateway.config import Config, PolicySettings, Provider
from gateway.errors import ConfigError
from tests.unit.candidate.conftest import Recorder, allowed


async def test_a_backtest_takes_the_files_that_are_proposed(
    recorder: Recorder, candidate: Path, tmp_path: Path
) -> None:
    config = Config(
        providers={"demo": Provider("openai", "builtin:demo")},
        root=tmp_path,
        policy=PolicySettings(path="candidate"),
    )
    backtest = {tool.name: tool for tool in tools_of(config)}["backtest"]
    await recorder.decided("plain", allowed())
    recorder.journal.close()
    denies = 'package regate\n\ndecision := {"action": "deny", "reasons": []}\n'

    def run() -> list[tuple[str, str]]:
        report = backtest.run({"files": {"candidate/main.rego": denies}, "since": "all"})
        return [(each["from"], each["to"]) for each in report["transitions"]]

    assert await asyncio.to_thread(run) == [("allow", "deny")]
    with pytest.raises(ConfigError, match="since: found 'soon'"):
        backtest.run({"since": "soon"})
