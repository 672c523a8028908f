"""A stream is decided before a found value goes out, in however many pieces it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.contract.decision import Mask
from gateway.errors import UpstreamUnreadable
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.intake import Intake
from gateway.exchange.passage import Passage
from gateway.masking import Restorer
from gateway.upstream import ReplayedResponse
from tests.support.values import CARD, EMAIL
from tests.unit.exchange.conftest import NewExchange


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n".encode()


def texts(*pieces: str) -> bytes:
    return b"".join(event({"content": piece}) for piece in pieces)


END = event({}, "stop") + b"data: [DONE]\n\n"


def passage_of(
    inspector: Inspector, exchange: Exchange, raw: bytes, ask: Callable[[Passage], None] | None
) -> Passage:
    """Return a pass over this stream; `ask` decides, as policy would."""

    async def decide(passage: Passage) -> None:
        assert ask is not None
        ask(passage)

    exchange.received = replace(exchange.received, dialect="openai.chat")
    exchange.restorer = Restorer(exchange.vault, [])
    intake = Intake(ReplayedResponse(200, {}, raw), "openai.chat", 1_000_000)
    return Passage(exchange, intake, inspector, decide if ask else None)


async def read(passage: Passage) -> list[dict[str, Any]]:
    """Return the deltas that go out."""
    events = [event async for events in passage.events() for event in events]
    chunks = [json.loads(event.data) for event in events if event.data.startswith("{")]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def said(deltas: Sequence[dict[str, Any]]) -> str:
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("at", [1, 5, 9, len(EMAIL) - 1])
async def test_a_value_in_pieces_is_masked_before_any_of_it_goes_out(
    inspector: Inspector, new_exchange: NewExchange, at: int
) -> None:
    asked = []

    def ask(passage: Passage) -> None:
        asked.append([f.entity for part in passage.subject().parts for f in part.findings])
        passage.masks["EMAIL_ADDRESS"] = (Mask("EMAIL_ADDRESS", "redact"),)

    raw = texts("write to ", EMAIL[:at], EMAIL[at:], f" or {EMAIL} today") + END
    out = said(await read(passage_of(inspector, new_exchange(), raw, ask)))
    assert out.startswith("write to ")
    assert out.endswith(" today")
    assert EMAIL[:9] not in out
    assert asked == [["EMAIL_ADDRESS"]]  # once for the entity, with the finding that it is about


async def test_what_policy_lets_pass_goes_out_as_it_came(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    def ask(passage: Passage) -> None:
        passage.masks["EMAIL_ADDRESS"] = ()

    passage = passage_of(inspector, new_exchange(), texts("mail ", EMAIL, "!") + END, ask)
    assert said(await read(passage)) == f"mail {EMAIL}!"
    (part,) = [part for part in passage.parts() if part.findings]
    assert EMAIL not in part.masked


async def test_a_survey_finds_the_same_and_asks_about_nothing(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    passage = passage_of(inspector, new_exchange(), texts("pay ", CARD[:7], CARD[7:]) + END, None)
    await read(passage)
    assert [f.entity for part in passage.subject().parts for f in part.findings] == ["CREDIT_CARD"]
    assert passage.subject().facts.finish_reason == "stop"


async def test_a_value_of_the_prompt_comes_back_in_text_and_in_a_call(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    exchange = new_exchange()
    name = exchange.vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    exchange.vault.mark_restorable(name)
    raw = texts("mail ", name[:4], name[4:]) + calls(1, name) + END
    passage = passage_of(inspector, exchange, raw, lambda _: None)
    deltas = await read(passage)
    assert said(deltas) == f"mail {EMAIL}"
    (call,) = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    assert json.loads(call["function"]["arguments"]) == {"to": EMAIL}
    (inspected,) = passage.subject().calls
    assert inspected[0].name == "mail"


async def test_more_calls_than_may_be_are_refused(inspector: Inspector, new_exchange: NewExchange) -> None:
    passage = passage_of(inspector, new_exchange(), calls(129, "ana") + END, None)
    with pytest.raises(UpstreamUnreadable, match="over 128 tool calls"):
        await read(passage)


def calls(count: int, to: str) -> bytes:
    """Events of tool calls, each whole in one."""
    return b"".join(
        event(
            {
                "tool_calls": [
                    {
                        "index": index,
                        "id": f"call_{index}",
                        "type": "function",
                        "function": {"name": "mail", "arguments": json.dumps({"to": to})},
                    }
                ]
            }
        )
        for index in range(count)
    )
