"""A provider's stream is read once, kept for approvers, and can be read again."""

from __future__ import annotations

import json

import pytest

from gateway.dialects import OtherEvent, TextDelta
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


async def test_an_event_that_goes_on_as_one_keeps_its_id_and_a_comment_of_words_comes() -> None:
    raw = b": ping\n\nid: 1\n" + chunk("one").encode() + b"id: 2\nretry: 9\ndata: [DONE]\n\n"
    finished = raw.replace(b"null", b'"stop"')
    items = [item async for items in intake(finished).items() for item in items]
    events = [item.event for item in items if isinstance(item, OtherEvent)]
    assert events[0].comment == "ping"
    assert [(one.id, one.retry) for one in events if one.id] == [("1", -1), ("2", 9)]
    parts = [part.text for item in items if isinstance(item, OtherEvent) for part in item.parts]
    assert [text for text in parts if text in ("1", "2")] == ["1", "2"]


async def test_an_id_that_is_text_stays_behind() -> None:
    raw = "id: größe 7\n" + chunk("one", "stop") + "data: [DONE]\n\n"
    items = [item async for items in intake(raw.encode()).items() for item in items]
    assert not any(item.event.id for item in items if isinstance(item, OtherEvent))
