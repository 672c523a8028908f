"""Budgets count what a provider counted, and an estimate of what it left out: to hang up is no way around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.config import Price
from gateway.dialects import read_prompt
from gateway.errors import UpstreamUnreadable
from gateway.exchange.counting import cost_of, counted_usage, expected_usage, heard_tokens, said_characters
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.steps import Envelope, Received, Sent
from gateway.words import Completion, Part, Prompt, Usage
from tests.unit.exchange.conftest import NewExchange
from tests.unit.exchange.test_passage import END, event, passage_of, read, texts

WORDS = "word " * 800  # 4,000 characters
CHAT = {"messages": [{"role": "user", "content": WORDS}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": WORDS}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": WORDS}]}]}
CLAUDE = {**CHAT, "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9}


def asking(new_exchange: NewExchange, dialect: str, path: str, prompt: Prompt) -> Exchange:
    exchange = new_exchange()
    upstream = replace(exchange.upstream, prices={"dear*": Price(input=2, output=10), "m": Price(1, 5)})
    exchange.received = Received(
        dialect=dialect, prompt=prompt, upstream=upstream, envelope=Envelope(path=path)
    )
    return exchange


@pytest.mark.parametrize(
    ("dialect", "path", "body"),
    [
        ("openai.chat", "/v1/chat/completions", {**CHAT, "model": "dear-1"}),
        ("openai.chat", "/openai/deployments/dear-1/chat/completions", CHAT),
        ("openai.chat", "/openai/deployments/dear-1/chat/completions", {**CHAT, "model": "m"}),  # Azure: path
        ("openai.chat", "/openai/deployments/m/chat/completions", {**CHAT, "model": "dear-1"}),
        ("openai.chat", "/v1/chat/completions", {**CHAT, "model": "m", "fallbacks": ["dear-1"]}),
        ("openai.chat", "/v1/chat/completions", {**CHAT, "model": "m,dear-1"}),  # a router asks both
        ("gemini.generate", "/v1beta/models/dear-1:streamGenerateContent", GEMINI),
        ("bedrock.converse", "/model/dear-1/converse-stream", CONVERSE),
        ("bedrock.anthropic", "/model/dear-1/invoke", CLAUDE),
    ],
)
def test_a_prompt_costs_what_the_dearest_model_does_wherever_it_is_named(
    new_exchange: NewExchange, dialect: str, path: str, body: Mapping[str, Any]
) -> None:
    exchange = asking(new_exchange, dialect, path, read_prompt(dialect, dict(body)))
    expected = expected_usage(exchange)
    assert 1_000 <= expected.input_tokens < 1_100
    assert cost_of(exchange, expected) == pytest.approx(expected.input_tokens * 2 / 1e6)


@pytest.mark.parametrize(
    ("dialect", "path", "some"),
    [
        ("openai.chat", "/v1/chat/completions", True),  # its server has a model of its own
        ("mcp", "/mcp", False),
        ("json", "/v1/vector_stores", False),
        ("json", "/v1/models/m/predict", True),
    ],
)
def test_what_asks_no_model_takes_no_tokens(
    new_exchange: NewExchange, dialect: str, path: str, some: bool
) -> None:
    prompt = Prompt((Part("user", "text", "/0", "word" * 10),), stream=True)
    exchange = asking(new_exchange, dialect, path, prompt)
    assert expected_usage(exchange) == Usage(10 if some else 0, 0)
    exchange.forwarded, exchange.outcome, exchange.heard = Sent(exchange.started, 2, "d"), "cancelled", 4
    assert counted_usage(exchange) == (Usage(10, 4) if some else Usage(0, 0))


@pytest.mark.parametrize(
    ("told", "heard", "outcome", "status", "stream", "counted"),
    [
        (Usage(3, 4), 9, "completed", 200, True, (3, 4)),
        (Usage(3), 9, "cancelled", 0, True, (3, 9)),
        (Usage(3, 1), 9, "cancelled", 0, True, (3, 9)),  # counted when it began
        (Usage(3, 12), 9, "upstream_unreadable", 0, True, (3, 12)),
        (Usage(), 9, "completed", 200, True, (10, 9)),  # a stream whose end does not say
        (Usage(3), 9, "completed", 200, True, (3, 9)),
        (Usage(), 0, "completed", 200, True, (10, 0)),
        (Usage(), 9, "completed", 200, False, (10, 9)),
        (Usage(), 0, "completed", 200, False, (0, 0)),  # nothing that is counted in tokens
        (Usage(), 0, "completed", 429, True, (0, 0)),  # it was asked for as a stream
        (Usage(), 0, "cancelled", 0, False, (10, 0)),
    ],
)
def test_what_is_not_told_is_estimated_where_something_was_made(
    new_exchange: NewExchange,
    told: Usage,
    heard: int,
    outcome: str,
    status: int,
    stream: bool,
    counted: tuple[int, int],
) -> None:
    prompt = Prompt((Part("user", "text", "/0", "word" * 10),), stream=stream)
    exchange = asking(new_exchange, "openai.chat", "/v1/chat/completions", prompt)
    exchange.completion, exchange.heard = Completion(usage=told), heard
    assert counted_usage(exchange) == Usage(0, 0)  # nothing went up
    exchange.forwarded = Sent(exchange.started, 2, "d")
    exchange.outcome, exchange.status = outcome, status
    assert counted_usage(exchange) == Usage(*counted)
    exchange.is_counted = False
    assert counted_usage(exchange) == Usage(0, 0)


async def test_a_stream_is_heard_as_it_comes(inspector: Inspector, new_exchange: NewExchange) -> None:
    """Its text at a quarter of its characters, and each event as a token, as of a call that is not whole."""
    exchange = new_exchange()
    passage = passage_of(inspector, exchange, texts(WORDS, "on") + END, None)
    heard = [exchange.heard async for _ in passage.events()]
    assert heard[:2] == [1_000, 1_001]
    await read(passage_of(inspector, exchange, texts("no more") + END, None))
    assert exchange.heard == heard[-1]

    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
    pieces = [call, *({"index": 0, "function": {"arguments": '"'}} for _ in range(30))]
    raw, exchange = b"".join(event({"tool_calls": [piece]}) for piece in pieces), new_exchange()
    with pytest.raises(UpstreamUnreadable, match="ended before"):
        await read(passage_of(inspector, exchange, raw, None))
    assert exchange.heard >= 31


def test_what_a_model_said_is_text_thoughts_and_calls() -> None:
    kinds = [Part("assistant", kind, "/0", "word") for kind in ("text", "signed", "tool_call", "field")]
    assert said_characters(kinds) == 12
    assert (heard_tokens(13), heard_tokens(13, 9)) == (4, 9)
