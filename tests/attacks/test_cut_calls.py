"""Attacks by providers that call a completion cut off, so that a tool call in it is not decided."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from gateway.exchange import Ledger
from tests.support.application import opener
from tests.support.spoken import Spoken
from tests.support.wires import BUILT_IN, WIRES

DENIED, HALF = '{"table": "users"}', '{"path": "a.txt", "content": "never en'
CUT_OFF = (HALF, '{"table": ', "")
MORE = (
    ("openai.chat", "content_filter"),
    ("openai.responses", "content_filter"),
    ("anthropic.messages", "refusal"),
)
CASES = [*((name, wire.cut) for name, wire in WIRES.items()), *MORE]


async def test_a_complete_call_is_decided_whatever_the_provider_says_of_the_end(
    tmp_path: Path, spoken: Spoken
) -> None:
    async with opener(tmp_path)(providers=BUILT_IN) as running:
        for (name, reason), stream, others in itertools.product(
            CASES, (True, False), ((), (("write", HALF),))
        ):
            wire = WIRES[name]
            if not wire.calls:
                continue
            spoken.say(wire, "Now I drop.", [("drop_database", DENIED), *others], reason, stream=stream)
            answer = await spoken.ask(running, wire, f"Go on, {reason}.", stream=stream)
            case = name, reason, stream, others, answer.text
            assert '"drop_database"' not in answer.text, case  # the reason says it in a sentence
            assert "users" not in answer.text, case
            assert "denied by policy" in answer.text or "policy_denied" in answer.text, case


async def test_what_was_cut_off_reaches_no_client_and_the_rest_passes(
    tmp_path: Path, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an ordinary end: text, usage and reason arrive, and the record counts what was withheld."""
    withheld: list[int] = []
    record = Ledger.record_completion

    def listen(self: Ledger, *said: object) -> None:
        withheld.append(said[2].withheld_calls)  # type: ignore[attr-defined]
        record(self, *said)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "record_completion", listen)
    async with opener(tmp_path)(providers=BUILT_IN) as running:
        for (name, reason), stream, raw in itertools.product(CASES, (True, False), CUT_OFF):
            wire = WIRES[name]
            made = [("read", '{"path": "b.txt"}'), ("drop_database", raw)] if wire.calls else []
            spoken.say(wire, "Now I write.", made, reason, stream=stream)
            answer = await spoken.ask(running, wire, f"Go on, {reason}.", stream=stream)
            case = name, reason, stream, raw, answer.text
            assert answer.status_code == 200, case
            assert "Now I write." in spoken.heard(answer.text), case
            assert ("b.txt" in answer.text) is wire.calls, case
            assert "drop_database" not in answer.text, case
            assert "never en" not in answer.text, case
            assert reason in answer.text, case
            assert re.search(r":\s?7|7654321", answer.text), case  # tokens
            assert '"error":{' not in answer.text, case
            assert withheld.pop() == len(made) // 2, case
