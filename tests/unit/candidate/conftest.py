"""Recorded decisions, and candidates to replay them against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.audit import Journal, Sealer, new_writer
from gateway.audit.sealing.content import ContentKey
from gateway.contract.decision import Decision, Reason
from gateway.contract.input import InputFacts, build_input
from gateway.exchange.exchange import Exchange
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Call, Decided, Inspected
from gateway.words import (
    Agent,
    InspectedPart,
    Part,
    Prompt,
    Source,
)

BECAUSE = Reason(rule="main", title="Main", message="Because.", severity="medium")


class Recorder:
    """A journal of decisions about prompts that differ in their model."""

    def __init__(self, base: Path) -> None:
        self.root = base / "audit"
        self.key = base / "state" / "evidence.key"
        self.journal = Journal(self.root, new_writer(), key=self.key)
        self.journal.start()
        self.ledger = Ledger(self.journal, ContentKey(b"content"))
        self.count = 0

    async def decided(self, model: str, decision: Decision, **changes: Any) -> str:
        """Record that this was decided about a prompt for `model`; the decision's id."""
        self.count += 1
        exchange = self.exchange(model)
        part = InspectedPart(Part("user", "text", "/messages/0/content", model), "d", True, (), model)
        document = {**asked(exchange, part), **changes}
        decided = Decided("request", f"dec_{self.count}", decision, (), 0, 0)
        _, durable = self.ledger.record_decision(exchange, decided, document, (part,))
        await durable
        return decided.id

    def exchange(self, model: str) -> Exchange:
        call = Call("openai", "POST", b"", b"", {}, Source("::1", "test"), cast(Any, None))
        exchange = Exchange(call, enforced=True, id=f"ex_{self.count}")
        exchange.agent = Agent("billing", "dana", "api_key")
        exchange.inspected = Inspected(model=model)
        return exchange

    def sealed(self) -> None:
        self.journal.close()
        sealer = Sealer(self.root, key=self.key, settle_seconds=0, bury_seconds=0, gather_seconds=0)
        sealer.start()
        sealer.seal()
        sealer.seal()  # the second pass buries the live segment


def asked(exchange: Exchange, part: InspectedPart) -> dict[str, Any]:
    return build_input(
        InputFacts(
            time=datetime(2026, 11, 22, 8, tzinfo=UTC),
            exchange_id=exchange.id,
            session_id="se_1",
            agent=exchange.agent,
            source=Source("::1", "test"),
            provider="openai",
            dialect="openai.chat",
            method="POST",
            path="/v1/chat/completions",
            prompt=Prompt(model=exchange.inspected.model),
            models=(exchange.inspected.model,),
            parts=(part,),
        )
    )


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path)
    yield made
    made.journal.close()


# What it says depends on the model's name alone: an action, or a way to fail.
_CANDIDATE = """package regate

default decision := {"action": "allow", "reasons": [{"rule": "main", "title": "Main", "message": "Because."}]}

decision := {"action": "deny", "reasons": [{"rule": "no", "message": "Not so."}]} if {
	startswith(input.model, "deny")
}

decision := {"action": "require_approval"} if input.model == "hold"

decision := {"action": "mask", "mask": [{"entity": "EMAIL_ADDRESS"}]} if input.model == "mask"

decision := {"action": "allow", "reasons": [{"rule": "main", "message": "Otherwise."}]} if {
	input.model == "talk"
}

decision := {"action": "maybe"} if input.model == "malformed"

decision := {"action": "allow", "reasons": [1 / (count(input.model) - 6)]} if input.model == "broken"

decision := {"action": "deny"} if {
	input.model == "slow"
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	(a * b) * c == -1
}
"""


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    folder = tmp_path / "candidate"
    folder.mkdir()
    (folder / "main.rego").write_text(_CANDIDATE)
    return folder


def allowed(**changes: Any) -> Decision:
    """An allow as the candidate says it, by another revision."""
    return Decision(**{"action": "allow", "reasons": (BECAUSE,), "revision": "before", **changes})
