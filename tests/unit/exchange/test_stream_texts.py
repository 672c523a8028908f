"""A large piece of text goes in slices, between which others have their turn."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.exchange.inspect import Inspector
from gateway.exchange.stream_texts import Channel
from gateway.masking import StreamScanner
from gateway.words import Part


async def test_others_have_their_turn_while_a_large_delta_is_scanned(
    inspector: Inspector,
) -> None:
    channel = Channel("0", Part("assistant", "text", "/x", ""), StreamScanner(inspector.detector))
    assert await turns_of(channel.scan("DE89 3704 " * 25)) > 12


async def turns_of(work: Any) -> int:
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns
