"""A value comes back where policy says, whole and streamed, in every dialect; elsewhere it stays hidden."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.identity import create_key
from tests.support.application import Opened
from tests.support.configuration import policy_copy
from tests.support.scripted import PLACEHOLDER
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN, WIRES

CALLING = {name: wire for name, wire in WIRES.items() if wire.calls}
EMAIL = "jane.roe@acme.org"
PLACES = {"Said to", "Billed at", "Noted for", "Sought"}
CALLS = [
    (
        "send_invoice",
        json.dumps({"address": {"mail": f"Billed at {PLACEHOLDER}"}, "note": f"Noted for {PLACEHOLDER}"}),
    ),
    ("search", json.dumps({"address": f"Sought {PLACEHOLDER}"})),
]


RESTORED: dict[tuple[str, ...], set[str]] = {
    (): PLACES,
    ("text",): {"Said to"},
    ("tools",): PLACES - {"Said to"},
    ("send_invoice",): {"Billed at", "Noted for"},
    ("send_invoice.address",): {"Billed at"},
    ("text", "*.note"): {"Said to", "Noted for"},
    ("crm",): set(),
}


async def test_a_value_comes_back_there_and_nowhere_else(
    opened: Opened, spoken: Spoken, tmp_path: Path
) -> None:
    """Each list is that of a group."""
    groups = {str(number): _terms(*to) for number, to in enumerate(RESTORED)}
    policy = policy_copy(tmp_path, {"groups": groups})
    async with opened(providers=BUILT_IN, policy=policy) as running:
        for number, places in enumerate(RESTORED.values()):
            keys, now = running.worker.keys, time.time()
            _, key = create_key(keys, agent=f"a{number}", owner="ana", groups=[str(number)], now=now)
            for name, wire in CALLING.items():
                for stream in (False, True):
                    spoken.say(wire, f"Said to {PLACEHOLDER} now.", CALLS, "stop", stream=stream)
                    agent = replace(running, key=key)
                    answer = await spoken.ask(agent, wire, f"Bill {EMAIL}", stream=stream)
                    assert answer.status_code == 200, (name, stream, answer.text)
                    heard = spoken.heard(answer.text)
                    assert {place for place in PLACES if f"{place} {EMAIL}" in heard} == places, heard
                    assert all(f"{place} <EMAIL_ADDRESS_" in heard for place in PLACES - places), heard
                    assert (EMAIL in heard) is bool(places)


def _terms(*to: str) -> dict[str, Any]:
    terms = {"action": "mask", "restore": True, **({"restore_to": [*to]} if to else {})}
    return {"entities": {"EMAIL_ADDRESS": {"request": terms}}}


async def test_a_secret_that_stays_a_placeholder_needs_no_approval(
    opened: Opened, spoken: Spoken, tmp_path: Path
) -> None:
    secret, wire = "AKIA2X5QJ7RMN4ZLKWTB", CALLING["openai.chat"]
    spoken.say(wire, "Done.", [("search", json.dumps({"q": PLACEHOLDER}))], "stop", stream=False)
    terms = {"action": "mask", "restore": True, "restore_to": ["text"]}
    policy = policy_copy(tmp_path, {"categories": {"secret": {"request": terms}}})
    async with opened(providers=BUILT_IN, policy=policy) as running:
        answer = await spoken.ask(running, wire, f"Use {secret}", stream=False)
        assert answer.status_code == 200, answer.text
        assert secret not in answer.text
