"""What policy reads of values, providers and tools, on its way from a prompt to a decision and its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.application import Opened
from tests.support.configuration import policy_copy
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN, WIRES

CHAT = WIRES["openai.chat"]
DETECT = {"internal_domains": ["acme.org"]}
SETTINGS: dict[str, Any] = {
    "attributes": [{"entity": "EMAIL_ADDRESS", "other_than": {"internal": True}, "action": "deny"}],
    "groups": {"default": {"only": {"labels": {"region": ["eu"]}}}},
    "tools": {"pins": {"send": ["a" * 64]}},
}


async def test_attributes_labels_and_digests_decide(opened: Opened, spoken: Spoken, tmp_path: Path) -> None:
    providers = {**BUILT_IN, "openai": {**BUILT_IN["openai"], "labels": {"region": "eu"}}}
    changes = {"providers": providers, "detect": DETECT, "policy": policy_copy(tmp_path, SETTINGS)}
    spoken.say(CHAT, "Done.", [], "stop", stream=False)
    async with opened(**changes) as running:
        own = await spoken.ask(running, CHAT, "Write to dana@acme.org", stream=False)
        assert own.status_code == 200, own.text
        assert b"dana@" not in spoken.requests[-1].body
        outside = await spoken.ask(running, CHAT, "Write to eve@evil.org", stream=False)
        assert rules(outside) >= {"attributes.deny"}, outside.text
        function = {"name": "send", "parameters": {"type": "object", "properties": {"to": {}}}}
        tools = [{"type": "function", "function": function}]
        offered = await spoken.ask(running, CHAT, "Hello", stream=False, tools=tools)
        assert rules(offered) == {"tools.pinned"}, offered.text
        elsewhere = await spoken.ask(running, WIRES["anthropic.messages"], "Hello", stream=False)
        assert rules(elsewhere) == {"access.label"}, elsewhere.text


def rules(answer: Any) -> set[str]:
    assert answer.status_code == 403, answer.text
    return {one["rule"] for one in answer.json()["error"].get("reasons", answer.json().get("reasons", []))}
