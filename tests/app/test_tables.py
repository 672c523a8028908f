"""Rules look things up in tables, whose revisions are recorded with each decision and make nothing new."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.application import Opened, Running
from tests.support.configuration import policy_copy
from tests.support.waiting import PATIENCE_SECONDS

RULE = """# METADATA
# title: Users
# description: Looks callers up.
package regate.rules.users

# METADATA
# title: Owners who are gone may not ask
# scope: rule
verdicts contains {
	"action": "deny",
	"rule": "users.gone",
	"title": "Gone",
	"message": "the owner is no user",
	"severity": "low",
	"controls": [],
} if {
	not data.tables.users[input.agent.owner]
}
"""


async def test_a_table_decides_at_once_and_history_stays_history(opened: Opened, tmp_path: Path) -> None:
    policy, folder = policy_copy(tmp_path, rules={"users.rego": RULE}), tmp_path / "policies" / "data"
    folder.mkdir(parents=True)
    users = folder / "users.csv"
    users.write_text("id,team\nana,red\n")
    async with opened(policy=policy) as running:
        turns = [{"role": "user", "content": "Hello there, good friend."}]
        assert (await ask(running, turns)).status_code == 200
        first, revision = users_revision(running), running.worker.policies.revision
        await edited(running, users, "id,team\nana,red\nbo,blue\n")
        second = users_revision(running)
        turns += [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "And now?"}]
        assert (await ask(running, turns)).status_code == 200
        await edited(running, users, "id,team\nbo,blue\n")
        assert (await ask(running, turns)).status_code == 403
        assert running.worker.policies.revision == revision
    said = decisions(tmp_path)
    last = users_revision(running)
    assert [one["decision"]["tables"] for one in said] == [{"users": each} for each in (first, second, last)]
    assert [part["new"] for part in said[1]["parts"] if part["kind"] == "text"] == [False, True, True]


async def edited(running: Running, table: Path, text: str) -> None:
    """Write the table, and wait until it is in force."""
    before = users_revision(running)
    await asyncio.to_thread(table.write_text, text)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while users_revision(running) == before:
            assert running.worker.policies.status().error == ""
            await asyncio.sleep(0.02)


async def ask(running: Running, turns: list[dict[str, Any]]) -> Any:
    headers = {"authorization": f"Bearer {running.key}"}
    body = {"model": "demo", "messages": turns}
    return await running.http.post("/demo/v1/chat/completions", json=body, headers=headers)


def users_revision(running: Running) -> str:
    return str(running.worker.policies.status().tables["users"])


def decisions(folder: Path) -> list[dict[str, Any]]:
    lines = [line for file in folder.glob("**/*.ndjson") for line in file.read_text().splitlines()]
    records = [json.loads(line) for line in lines]
    return [one["body"] for one in records if one.get("kind") == "decision"]
