"""Calls of functions in stored objects, such as runs of assistants, are judged where `json` may pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.application import Opened
from tests.support.configuration import SHIPPED, policy_copy
from tests.support.scripted import PLACEHOLDER
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN

PATH = "/openai/v1/threads/runs"


def _open(folder: Path) -> Path:
    shipped = yaml.safe_load((SHIPPED / "settings/data.yaml").read_text())["endpoints"]["dialects"]
    return policy_copy(folder, {"endpoints": {"dialects": [*shipped, "json"]}})


def _run(name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "call_a", "type": "function", "function": {"name": name, "arguments": arguments}}
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}
    return {"id": "run_a", "object": "thread.run", "required_action": action}


async def test_a_run_may_call_what_policy_allows(opened: Opened, spoken: Spoken, tmp_path: Path) -> None:
    async with opened(providers=BUILT_IN, policy=_open(tmp_path)) as running:
        headers = {"authorization": f"Bearer {running.key}"}
        asked = {"assistant_id": "asst_a", "thread": {"messages": [{"content": "Mail jane.roe@acme.org"}]}}
        spoken.document(_run("mail", f'{{"to":"{PLACEHOLDER}"}}'))
        answer = await running.http.post(PATH, json=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        assert b"jane.roe" not in spoken.requests[-1].body
        (call,) = answer.json()["required_action"]["submit_tool_outputs"]["tool_calls"]
        assert call["function"] == {"name": "mail", "arguments": '{"to":"jane.roe@acme.org"}'}
        spoken.document(_run("drop_database", "{}"))
        answer = await running.http.post(PATH, json=asked, headers=headers)
        assert answer.status_code == 403, answer.text
        assert {one["rule"] for one in answer.json()["error"]["reasons"]} == {"tools.denied"}
