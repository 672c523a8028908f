"""The official client works with `regate mcp`: it reads, evaluates, proposes; no file changes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.unit.policy.conftest import LIBRARY, TESTS

RULE = """# METADATA
# title: Night
# description: Rest at night.
# schemas:
#   - input: schema["input.schema"]
package regate.rules.night

# METADATA
# title: Interns rest at night
verdicts contains {
	"action": "deny",
	"rule": "night.interns",
	"title": "Not at night",
	"message": "interns rest",
	"severity": "low",
	"controls": [],
} if {
	input.phase == "request"
	"interns" in input.agent.groups
	input.time > "2026-11-22T22"
}
"""
CASES = """night:
  interns rest:
    base: prompt
    input: {agent: {groups: [interns]}, time: "2026-11-22T23:00:00.000000Z"}
    decision: {action: deny}
    rules: [night.interns]
"""
PROPOSAL = {"policies/rego/rules/night.rego": RULE, "policy_tests/cases/night.yaml": CASES}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(LIBRARY, tmp_path / "policies/rego")
    shutil.copytree(TESTS, tmp_path / "policy_tests")
    (tmp_path / "regate.yaml").write_text("providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n")
    return tmp_path


async def test_the_official_client_authors_policy(home: Path, opa: Path) -> None:
    before = _contents(home)
    environment = {**os.environ, "REGATE_OPA": str(opa), "REGATE_CONFIG": str(home / "regate.yaml")}
    server = StdioServerParameters(command=sys.executable, args=["-m", "cli.main", "mcp"], env=environment)
    async with Client(stdio_client(server)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {
            "read_reference", "list_files", "read_file", "check", "test", "evaluate", "explain", "backtest",
            "propose",
        }  # fmt: skip
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())

        assert "access.model" in await _said(client, "read_reference", what="rules")
        assert "policies/rego/main.rego" in json.loads(await _said(client, "list_files"))
        assert "package regate\n" in await _said(client, "read_file", path="policies/rego/main.rego")

        body = {"model": "demo", "messages": [{"role": "user", "content": "Write to jane.roe@acme.org"}]}
        found = json.loads(await _said(client, "evaluate", body=body))
        assert found["decision"]["action"] == "mask"
        assert "jane.roe" not in json.dumps(found)

        proposed = json.loads(await _said(client, "propose", files=PROPOSAL))
        assert (proposed["passed"], proposed["faults"]) == (True, [])
        assert "+++ b/policies/rego/rules/night.rego\n" in proposed["diff"]
        wrong = {**PROPOSAL, "policies/rego/rules/night.rego": RULE.replace("input.phase", "input.phse")}
        (fault, *_) = json.loads(await _said(client, "propose", files=wrong))["faults"]
        assert fault.startswith("policies/rego/rules/night.rego:18: ")

        for tool, arguments, why in (
            ("read_file", {"path": "regate.yaml"}, "expected one of list_files"),
            ("propose", {"files": {"policies/rego/../../x.rego": ""}}, "expected a file"),
            ("propose", {"files": {"/etc/x.yaml": ""}}, "expected a file"),
            ("propose", {"file": {}}, "unknown arguments: file"),
            ("evaluate", {}, "expected either input or body"),
            ("explain", {"decision_id": "dec_1"}, "no decision 'dec_1'"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert why in result.content[0].text
    assert _contents(home) == before

    (home / "change.diff").write_text(proposed["diff"])  # a person applies it
    apply = ["git", "apply", "--unsafe-paths", "change.diff"]
    await asyncio.to_thread(subprocess.run, apply, cwd=home, check=True)
    assert (home / "policies/rego/rules/night.rego").read_text() == RULE


async def _said(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    text: str = result.content[0].text
    return text


def _contents(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
