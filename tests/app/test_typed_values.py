"""Numbers, ids and bounds that the API gives a type pass as they are, whatever they look like."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from gateway.upstream.client import UpstreamRequest, UpstreamResponse
from gateway.upstream.demo import DemoTransport
from tests.support.application import Opened, Running
from tests.support.values import PLAIN_CARD

PROVIDERS = {"claude": {"family": "anthropic", "base_url": "builtin:demo"}}
PATHS = {"openai": "demo/v1/chat/completions", "anthropic": "claude/v1/messages"}
DRAW = random.Random(11)
BOUNDS = ("minimum", "maximum", "exclusiveMaximum", "const", "default", "multipleOf")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bodies that the demo provider gets."""
    bodies: list[Any] = []
    send = DemoTransport.send

    async def listen(self: DemoTransport, request: UpstreamRequest) -> UpstreamResponse:
        bodies.append(json.loads(request.body))
        return await send(self, request)

    monkeypatch.setattr(DemoTransport, "send", listen)
    return bodies


async def passes(running: Running, sent: list[Any], family: str, body: dict[str, Any]) -> None:
    """Assert that the body goes through as it is."""
    body = {"model": "demo", "max_tokens": 64, "messages": [{"role": "user", "content": "Go on."}], **body}
    headers = {"authorization": f"Bearer {running.key}"}
    answer = await running.http.post(f"/{PATHS[family]}", json=body, headers=headers)
    assert answer.status_code == 200, (answer.text, body)
    assert sent[-1] == body


async def test_random_seeds_and_limits_pass(opened: Opened, sent: list[Any]) -> None:
    async with opened(providers=PROVIDERS) as running:
        for _ in range(200):
            drawn = DRAW.randrange(2**32)
            await passes(running, sent, "openai", {"seed": drawn, "max_completion_tokens": drawn})


async def test_random_ids_of_tool_calls_pass(opened: Opened, sent: list[Any]) -> None:
    async with opened(providers=PROVIDERS) as running:
        for number in range(200):
            name = str(DRAW.randrange(10**9, 10**10)) if number % 2 else f"call_{DRAW.randrange(2**64):x}"
            function = {"name": "look", "arguments": "{}"}
            calls = [{"id": name, "type": "function", "function": function}]
            said = {"role": "assistant", "content": None, "tool_calls": calls}
            told = {"role": "tool", "tool_call_id": name, "content": "done"}
            asked = {"role": "user", "content": "Look."}
            await passes(running, sent, "openai", {"messages": [asked, said, told]})
            block = {"type": "tool_use", "id": name, "name": "look", "input": {}}
            result = {"type": "tool_result", "tool_use_id": name, "content": "done"}
            messages = [
                asked,
                {"role": "assistant", "content": [block]},
                {"role": "user", "content": [result]},
            ]
            await passes(running, sent, "anthropic", {"messages": messages})


def bounded() -> dict[str, Any]:
    """A schema full of large numbers and of addresses of networks."""
    number = {name: DRAW.randrange(10**9, 10**10) for name in BOUNDS}
    address = f"10.{DRAW.randrange(256)}.0.0/16"
    return {
        "type": "object",
        "properties": {
            "size": {"type": "integer", **number, "enum": [DRAW.randrange(10**9, 10**10), address]},
            "block": {"type": "string", "default": address, "examples": [address]},
            "default": {"anyOf": [{"const": address}, {"minLength": 4155550132}]},
        },
    }


async def test_schemas_with_bounds_pass(opened: Opened, sent: list[Any]) -> None:
    async with opened(providers=PROVIDERS) as running:
        for _ in range(60):
            schema = bounded()
            function = {"type": "function", "function": {"name": "f", "parameters": schema}}
            await passes(running, sent, "openai", {"tools": [function]})
            await passes(running, sent, "anthropic", {"tools": [{"name": "f", "input_schema": schema}]})


async def test_a_card_is_no_seed_and_no_id(opened: Opened, sent: list[Any]) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "Go on."}]}
    async with opened() as running:
        headers = {"authorization": f"Bearer {running.key}"}
        for typed in ({"seed": int(PLAIN_CARD)}, {"service_tier": PLAIN_CARD}):
            answer = await running.http.post(f"/{PATHS['openai']}", json={**body, **typed}, headers=headers)
            assert answer.status_code == 403
    assert sent == []


@pytest.mark.parametrize("family", PATHS)
async def test_an_address_that_is_fetched_passes_or_is_refused(
    opened: Opened, sent: list[Any], family: str
) -> None:
    def asking(address: str) -> dict[str, Any]:
        image = {"type": "image_url", "image_url": {"url": address}}
        if family == "anthropic":
            image = {"type": "image", "source": {"type": "url", "url": address}}
        return {"messages": [{"role": "user", "content": [{"type": "text", "text": "See this."}, image]}]}

    async with opened(providers=PROVIDERS) as running:
        await passes(running, sent, family, asking("http://10.0.0.7/4155550132/plan.png?size=6444427995"))
        body = {"model": "demo", "max_tokens": 64, **asking(f"https://img.example/{PLAIN_CARD}.png")}
        headers = {"authorization": f"Bearer {running.key}"}
        answer = await running.http.post(f"/{PATHS[family]}", json=body, headers=headers)
    assert answer.status_code == 403
    assert "CREDIT_CARD" in answer.text
    assert PLAIN_CARD not in answer.text
