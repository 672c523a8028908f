"""The shipped tool rules hold against the plain variants of what they name, in both engines."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from logging import getLogger
from pathlib import Path
from typing import Any

import pytest

from gateway.policy import PolicyEngine, find_opa, load_source
from gateway.policy.engine.embedded import Embedded
from gateway.policy.engine.sidecar import Sidecar
from tests.support.configuration import need_engine
from tests.unit.policy.conftest import request_document

LIBRARY = Path(__file__).parents[2] / "policies" / "rego"
LOG = getLogger("test.tools")

PROGRAMS = [
    "rm",
    "RM",
    "/bin/rm",
    "sudo rm",
    "sudo -n /usr/bin/rm",
    "\\rm",
    "r'm'",
    '"rm"',
    "FOO=1 env rm",
    "!rm",
]
OPTIONS = [
    "-rf",
    "-fr",
    "-r -f",
    "-f  -R",
    "-rvf",
    "--recursive --force",
    "--force -r",
    "-r\t--for",
    "\\\n-rf",
    "-r ${DIR} 2>&1 -f",
]
WRAPPED = [
    lambda command: {"command": f"{command} /"},
    lambda command: {"cmd": f"cd /tmp && {command} x"},
    lambda command: {"shell_command": f"echo $({command} x)"},
    lambda command: {"script": f"set -e\n{command} x\n"},
    lambda command: {"code": f"os.system('{command} x')"},
    lambda command: {"args": [*command.split(), "x"]},
    lambda command: {"args": ["bash", "-c", f"{command} x"]},
    lambda command: {"command": command.split()[0], "args": [*command.split()[1:], "x"]},
    lambda command: {"options": {"run": [{"exec": f"{command} x"}]}},
    lambda command: {"anything": f"{command} x"},
]
COMMANDS = [
    ("any_tool", wrap(f"{program} {options}"))
    for program, options, wrap in itertools.product(PROGRAMS, OPTIONS, WRAPPED)
][::7]  # coprime to the numbers of each, so that every one meets many others
NAMES = [
    "drop_database",
    "dropDatabase",
    "DROP-DATABASE",
    "db.drop database",
    "Drop__Database",
    "mcp:drop/database",
]
STATEMENTS = [
    "DROP DATABASE x",
    "drop  database\tx",
    "Drop\nDatabase x",
    "DROP/**/DATABASE x",
    "SELECT 1; DROP DATABASE IF EXISTS x",
    "psql -c 'drop database x'",
    "drop schema x",
    "dropdb x",
    "db.dropDatabase()",
]
HARMLESS = [
    ("bash", {"command": "ls -rf && mv -f a b"}),
    ("bash", {"command": "rm build.log"}),
    ("bash", {"command": "cp -r source target && rm -f target/log"}),
    ("bash", {"command": "rm -f log 2>&1 && cp -r source target"}),
    ("bash", {"command": "grep -rf patterns . | sort; rm log"}),
    ("bash", {"command": "npm run rm-cache -- -rf"}),
    ("bash", {"command": "make format -r -f Makefile"}),
    (
        "write_file",
        {"path": "Dockerfile", "content": "FROM base\nRUN apt-get update && rm -rf /var/lib/apt\n"},
    ),
    ("send_mail", {"body": "We never rm -rf a folder, and nobody may drop database tables."}),
    ("web_search", {"query": "how do I drop a database"}),
    ("run_sql", {"statement": "SELECT drop_reason FROM database_events"}),
    ("create_user", {"name": "dropbox"}),
]


@pytest.fixture(params=["sidecar", "embedded"])
def engine(request: pytest.FixtureRequest) -> PolicyEngine:
    need_engine(request.param)
    opa = find_opa()
    return Sidecar(opa, 30.0, LOG) if request.param == "sidecar" and opa else Embedded(30.0, LOG)


def calling(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"name": name, "arguments": arguments, "restores": [], "origins": []}
    return {**request_document(phase="response"), "tool_calls": [call]}


async def actions(engine: PolicyEngine, calls: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[Any, str]]:
    """What the shipped policy does about each call."""
    await engine.start(load_source(LIBRARY))
    try:
        decisions = await asyncio.gather(*(engine.decide(calling(*call)) for call in calls))
    finally:
        await engine.close()
    return zip(calls, [decision.action for decision in decisions], strict=True)


@pytest.mark.timeout(180)
async def test_a_spelling_does_not_slip_past_the_approval_list(engine: PolicyEngine) -> None:
    """However a recursive forced removal is written, a person is asked."""
    found = await actions(engine, COMMANDS)
    assert [call for call, action in found if action != "require_approval"] == []


async def test_a_spelling_does_not_slip_past_the_deny_list(engine: PolicyEngine) -> None:
    """However dropping a database is written, as a tool's name or as a statement, it is denied."""
    calls = [(name, {}) for name in NAMES]
    calls += [("run_sql", {"q": text}) for text in STATEMENTS]
    calls += [("any_tool", {"sql": text}) for text in STATEMENTS]
    calls += [("any_tool", {"x": text}) for text in STATEMENTS if text.lower().startswith("drop")]
    assert [call for call, action in await actions(engine, calls) if action != "deny"] == []


async def test_other_calls_pass(engine: PolicyEngine) -> None:
    """A text that only speaks of a command is no command."""
    assert [call for call, action in await actions(engine, HARMLESS) if action != "allow"] == []


@pytest.mark.parametrize("text", ["rm drop -x\n", "drop ", "rm -r ", "a=b ", "-x ", "/*", "'", "rm/"])
async def test_a_long_call_does_not_stall_policy(engine: PolicyEngine, text: str) -> None:
    """A text that repeats what the rules look for takes time in step with its length, no more."""
    calls = [("bash", {"command": text * (100_000 // len(text))})]
    async with asyncio.timeout(60):
        for _, action in await actions(engine, calls):
            assert action in ("allow", "require_approval")
