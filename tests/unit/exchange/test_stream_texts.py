"""A large piece of text goes in slices, between which others have their turn."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.dialects.reading.sse import SseEvent
from gateway.exchange.inspect import Inspector
from gateway.exchange.passage import Outlet
from gateway.exchange.stream_texts import Channel
from gateway.masking import Restorer, StreamScanner, Vault
from gateway.words import Part
from tests.support.values import EMAIL


async def test_others_have_their_turn_while_a_large_delta_is_scanned_and_restored(
    inspector: Inspector,
) -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(name)
    channel = Channel("0", Part("assistant", "text", "/x", ""), StreamScanner(inspector.detector))
    assert await _turns(channel.scan("DE89 3704 " * 25)) > 12
    outlet = Outlet(Restorer(vault, [EMAIL]).run())
    outlet.reshape["0"] = SseEvent
    assert await _turns(outlet.add_text("0", f"Dear {name}, " * 1000)) > 20


async def _turns(work: Any) -> int:
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns
