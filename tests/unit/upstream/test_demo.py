"""The demo provider answers both dialects, whole and streaming, and refuses what it cannot read."""

import orjson
import pytest

from gateway.upstream import UpstreamRequest
from gateway.upstream.demo import DemoTransport

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "one two"}]}


async def ask(family, path, body, method="POST"):
    response = await DemoTransport(family).send(UpstreamRequest(method, path, "", {}, orjson.dumps(body)))
    return response, b"".join([chunk async for chunk in response.chunks()])


async def test_it_echoes_the_last_user_text():
    _, chat = await ask("openai", "/v1/chat/completions", CHAT)
    _, message = await ask("anthropic", "/v1/messages", CHAT)
    assert orjson.loads(chat)["choices"][0]["message"]["content"] == "You said: one two"
    assert orjson.loads(message)["content"][0]["text"] == "You said: one two"


async def test_it_streams_word_by_word_in_both_formats():
    response, chat = await ask("openai", "/v1/chat/completions", {**CHAT, "stream": True})
    _, message = await ask("anthropic", "/v1/messages", {**CHAT, "stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    assert chat.endswith(b"data: [DONE]\n\n")
    assert message.startswith(b"event: message_start\n")
    assert b"event: message_stop\n" in message


@pytest.mark.parametrize(
    "body", [[], "x", 7, {"messages": "x"}, {"messages": [1]}, {"messages": [{"content": 1}]}]
)
async def test_a_body_of_another_shape_is_refused_or_echoed_as_nothing(body):
    response, _ = await ask("openai", "/v1/chat/completions", body)
    assert response.status in (200, 400)


async def test_other_endpoints_do_not_exist():
    response, _ = await ask("openai", "/v1/rerank", {})
    assert response.status == 404
