"""What takes long leaves the event loop, or goes in slices between which others have their turn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest

from gateway import detect
from gateway.config import Detect, Limits
from gateway.config.server_key import ServerKey
from gateway.contract.decision import Mask
from gateway.dialects.reading.sse import SseEvent
from gateway.exchange.answer_whole import WholeCompletion
from gateway.exchange.channel import Channel
from gateway.exchange.decide import Asking
from gateway.exchange.inspect import Inspector, masked_aside
from gateway.exchange.record import Ledger
from gateway.exchange.row import Outlet
from gateway.masking import Restorer, Vault
from gateway.masking.vault import VaultEntry
from gateway.sessions.session import Sessions
from gateway.upstream import ReplayedResponse
from gateway.words import Category, Part
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange

KEY = ServerKey(b"s" * 32)
FEW, MANY = f"mail {EMAIL}", f"mail {EMAIL}, " * 1000


class WatchedVault(Vault):
    """Remembers whether it was used on the event loop's thread."""

    def __init__(self) -> None:
        super().__init__(b"k" * 32)
        self.on_loop: set[bool] = set()

    def placeholder(self, entity: str, category: Category, value: str, *, depth: int = 0) -> str:
        self.on_loop.add(threading.current_thread() is threading.main_thread())
        return super().placeholder(entity, category, value, depth=depth)

    @property
    def restorable(self) -> Mapping[str, VaultEntry]:
        self.on_loop.add(threading.current_thread() is threading.main_thread())
        return super().restorable


class Forgetful:
    """A ledger that keeps nothing."""

    def completed(self, *_: object) -> None:
        """Nobody asks here."""


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    detector = detect.Detector(Detect())
    inspection = detect.DetectionService(detector, 60)
    yield Inspector(inspection, detector, KEY)
    await inspection.close()


@pytest.mark.parametrize(("text", "on_loop"), [(FEW, True), (MANY, False)])
async def test_many_findings_are_masked_off_the_event_loop(
    inspector: Inspector, new_exchange: NewExchange, text: str, on_loop: bool
) -> None:
    exchange = new_exchange()
    exchange.session = Sessions(KEY).enter("agent", "s", "")
    exchange.vault = vault = WatchedVault()
    parts = await inspector.prompt(exchange, [Part("user", "text", "/x", text)])
    assert vault.on_loop == {on_loop}

    vault.on_loop.clear()
    document = await masked_aside({"x": text}, parts, {"EMAIL_ADDRESS": Mask("EMAIL_ADDRESS")}, vault)
    assert vault.on_loop == {on_loop}
    assert EMAIL not in document["x"]


async def test_values_come_back_to_a_large_completion_off_the_event_loop(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    exchange = new_exchange()
    exchange.dialect = "openai.chat"
    exchange.vault = vault = WatchedVault()
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(name)
    exchange.restorer = Restorer(vault, [EMAIL])
    message = {"role": "assistant", "content": f"Dear {name}, " * 1000}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    whole = WholeCompletion(cast(Asking, None), inspector, cast(Ledger, Forgetful()), Limits())
    vault.on_loop.clear()

    answer = await whole.answer(exchange, ReplayedResponse(200, {}, body))

    assert vault.on_loop == {True, False}  # asked whether there is anything to restore, and restored
    assert (
        json.loads(cast(bytes, answer.body))["choices"][0]["message"]["content"] == f"Dear {EMAIL}, " * 1000
    )


async def test_others_have_their_turn_while_a_large_delta_is_scanned_and_restored(
    inspector: Inspector, new_exchange: NewExchange
) -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(name)
    channel = Channel("0", Part("assistant", "text", "/x", ""), inspector.scanner(new_exchange()))
    assert await _turns(channel.scan("DE89 3704 " * 25)) > 12
    outlet = Outlet(Restorer(vault, [EMAIL]).run())
    outlet.frames["0"] = SseEvent
    assert await _turns(outlet.text("0", f"Dear {name}, " * 1000)) > 20


async def _turns(work: Any) -> int:
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns
