"""What repeats a text says what went out for it, at the time it goes out itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.contract.decision import Mask
from gateway.dialects import SseEvent
from gateway.dialects.reading.stream import WITHHELD
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.intake import Intake
from gateway.exchange.passage import Passage
from gateway.exchange.repeats import Repeating, SentTexts
from gateway.masking import Restorer
from gateway.upstream import ReplayedResponse
from tests.support import responses_wire as wire
from tests.support.values import CARD, EMAIL, OTHER_EMAIL
from tests.unit.exchange.conftest import NewExchange


def test_a_repetition_is_filled_with_all_that_went_out() -> None:
    sent = SentTexts()
    event = Repeating("done", {"text": "secret", "call": {"to": "secret"}}, {"/text": "a", "/call/to": "/to"})
    sent.add("a", "<PLACE")
    sent.add("a", "HOLDER>")
    sent.note({"/to": "masked"})
    released = sent.released(event)
    assert released.event == "done"
    assert json.loads(released.data) == {"text": "<PLACEHOLDER>", "call": {"to": "masked"}}


def test_what_did_not_go_out_is_not_repeated() -> None:
    assert json.loads(SentTexts().released(Repeating("", {"text": "secret"}, {"/text": "a"})).data) == {
        "text": ""
    }


def test_other_events_are_as_they_were() -> None:
    event = SseEvent("data", "name")
    assert SentTexts().released(event) is event


TEXT = f"Write to {EMAIL}, or to {OTHER_EMAIL}: never to {CARD}."
MASKS = {
    "EMAIL_ADDRESS": (Mask("EMAIL_ADDRESS", "redact"),),
    "CREDIT_CARD": (Mask("CREDIT_CARD", "placeholder"),),
}


async def governed(inspector: Inspector, exchange: Exchange, documents: list[dict[str, Any]]) -> list[Any]:
    """Return the events of a response that go out under these masks."""

    async def ask(passage: Passage) -> None:
        passage.masks |= MASKS

    exchange.received = replace(exchange.received, dialect="openai.responses")
    raw = b"".join(wire.encoded(documents))
    intake = Intake(ReplayedResponse(200, {}, raw), "openai.responses", 10_000_000)
    passage = Passage(exchange, intake, inspector, ask)
    events = [event async for events in passage.events() for event in events]
    return [json.loads(event.data) for event in events]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_however_it_is_cut_every_repetition_says_what_the_deltas_said(
    inspector: Inspector, new_exchange: NewExchange, size: int
) -> None:
    exchange = new_exchange()
    name = exchange.vault.placeholder("EMAIL_ADDRESS", "pii", OTHER_EMAIL)
    exchange.vault.mark_restorable(name)
    exchange.restorer = Restorer(exchange.vault, [OTHER_EMAIL])
    said = TEXT.replace(OTHER_EMAIL, name)
    items = [
        wire.reasoning(said, "short"),
        wire.message(said, "and on"),
        wire.function_call("send", json.dumps({"to": said})),
        wire.message(said, refused=True, key="b"),
    ]
    documents = wire.events(items, size)
    out = await governed(inspector, exchange, documents)
    texts: dict[str, str] = {}
    repeated: dict[str, set[str]] = {}
    for one in out:
        index = one.get("output_index")
        if one["type"].endswith(".delta"):
            key = f"{index}/{one.get('content_index', one.get('summary_index'))}"
            texts[key] = texts.get(key, "") + one["delta"]
        for at, item in [(index, one.get("item")), *enumerate((one.get("response") or {}).get("output", []))]:
            if item and not one["type"].endswith(".added"):
                for place, part in enumerate(item.get("content") or item.get("summary") or []):
                    repeated.setdefault(f"{at}/{place}", set()).add(part.get("text") or part.get("refusal"))
                if "arguments" in item:
                    repeated.setdefault(f"{at}/None", set()).add(item["arguments"])
        if one["type"].endswith(".done") and "_text" in one["type"]:
            key = f"{index}/{one.get('content_index', one.get('summary_index'))}"
            repeated.setdefault(key, set()).add(one["text"])
    assert {key: {text} for key, text in texts.items()} == repeated
    shown = f"Write to <REDACTED_EMAIL_ADDRESS>, or to {OTHER_EMAIL}: never to <CREDIT_CARD_"
    assert texts["1/0"].startswith(shown)
    assert texts["1/0"] == texts["3/0"] == json.loads(texts["2/None"])["to"]
    assert texts["0/0"] == "Write to "  # what a model thought is never edited: it ends here
    assert next(one["item"] for one in out if one["type"] == "response.output_item.done") == {
        "id": "rs_a",
        "type": "reasoning",
        "summary": [],
        "encrypted_content": WITHHELD,
    }
    raw = json.dumps(out)
    assert EMAIL not in raw
    assert CARD not in raw
