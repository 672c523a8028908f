"""Values that are spelt otherwise or cut in two: the provider sees none, and they come back as they were."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from gateway.upstream.client import UpstreamRequest, UpstreamResponse
from gateway.upstream.demo import DemoTransport
from tests.support.application import Opened, Running
from tests.support.values import API_KEY, CARD, EMAIL

SPELT = (
    quote(EMAIL).replace(".", "%2E"),
    EMAIL.replace("@", "&#64;"),
    EMAIL.replace("a", "а"),
    "\u200b".join(CARD),
    "".join(chr(ord(char) + 0xFEE0) if char != " " else char for char in CARD),
    base64.b64encode(f"key: {API_KEY}".encode()).decode(),
    json.dumps({"to": EMAIL}).replace("@", "\\u0040"),
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bodies that the demo provider gets."""
    bodies: list[str] = []
    send = DemoTransport.send

    async def listen(self: DemoTransport, request: UpstreamRequest) -> UpstreamResponse:
        bodies.append(json.dumps(json.loads(request.body), ensure_ascii=False))
        return await send(self, request)

    monkeypatch.setattr(DemoTransport, "send", listen)
    return bodies


async def ask(running: Running, content: object) -> tuple[str, str]:
    """The action, and what came back."""
    body = {"model": "demo", "messages": [{"role": "user", "content": content}]}
    headers = {"authorization": f"Bearer {running.key}"}
    answer = await running.http.post("/demo/v1/chat/completions", json=body, headers=headers)
    return answer.headers["x-regate-action"], answer.json()["choices"][0]["message"]["content"]


async def test_a_value_is_masked_and_given_back_in_every_spelling(opened: Opened, sent: list[str]) -> None:
    text = " , ".join(("note this:", *SPELT, "thank you"))
    async with opened() as running:
        action, answer = await ask(running, text)
    assert action == "mask"
    assert [one for one in SPELT if one in sent[0] or json.dumps(one)[1:-1] in sent[0]] == []
    assert text in answer


async def test_a_value_cut_in_two_is_masked_in_both_parts_and_given_back(
    opened: Opened, sent: list[str]
) -> None:
    texts = [f"write to {EMAIL[:9]}", f"{EMAIL[9:]} and pay {CARD[:7]}", f"{CARD[7:]} today"]
    async with opened() as running:
        action, answer = await ask(running, [{"type": "text", "text": text} for text in texts])
    assert action == "mask"
    assert [piece for piece in (EMAIL[:9], EMAIL[9:], CARD[:7], CARD[7:]) if piece in sent[0]] == []
    assert all(text in answer for text in texts)


async def test_a_name_is_masked_where_names_are_wanted(opened: Opened, sent: list[str]) -> None:
    text = "Please tell Jane Roe, 12 Main Street, Springfield, that John called."
    async with opened(detect={"ner": {"enabled": True}}, limits={"inspect_seconds": 60}) as running:
        action, answer = await ask(running, text)
    assert action == "mask"
    assert [name for name in ("Jane", "Roe", "Springfield", "John") if name in sent[0]] == []
    assert text in answer
