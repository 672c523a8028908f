"""A provider's stream is read once, kept for approvers, and can be read again."""

from __future__ import annotations

import json

import pytest

from gateway.dialects import TextDelta
from gateway.errors import UpstreamUnreadable
from gateway.exchange.intake import Intake
from gateway.upstream import ReplayedResponse

_LIMIT = 10_000


def chunk(content: str, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"


STREAM = (chunk("one ") + chunk("two", "stop") + "data: [DONE]\n\n").encode()


def intake(raw: bytes, limit: int = _LIMIT) -> Intake:
    return Intake(ReplayedResponse(200, {}, raw), "openai.chat", limit)


async def texts(stream: Intake) -> list[str]:
    items = [item async for items in stream.items() for item in items]
    return [item.part.text for item in items if isinstance(item, TextDelta)]


async def test_a_drained_stream_still_gives_its_items_and_may_be_read_again() -> None:
    stream = intake(STREAM)
    raw = await stream.drain()
    assert raw == STREAM
    assert await texts(stream.again(raw)) == ["one ", "two"]
    assert await texts(stream) == ["one ", "two"]
    assert stream.completion.finish_reason == "stop"


async def test_a_stream_over_its_limit_is_unreadable() -> None:
    with pytest.raises(UpstreamUnreadable, match="over 50 bytes"):
        await intake(STREAM, 50).drain()


@pytest.mark.parametrize("raw", [chunk("one ").encode(), b"data: {]\n\n"])
async def test_half_a_stream_or_no_json_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UpstreamUnreadable, match="cannot be read"):
        await texts(intake(raw))
