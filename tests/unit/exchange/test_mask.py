"""Much to mask is masked off the event loop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.config import ServerKey
from gateway.contract.decision import Mask
from gateway.exchange.inspect import Inspector
from gateway.exchange.mask import mask_off_loop
from gateway.sessions.session import Sessions
from gateway.words import Part
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange, WatchedVault

KEY = ServerKey(b"s" * 32)
FEW, MANY = f"mail {EMAIL}", f"mail {EMAIL}, " * 1000


@pytest.mark.parametrize(("text", "on_loop"), [(FEW, True), (MANY, False)])
async def test_many_findings_are_masked_off_the_event_loop(
    inspector: Inspector, new_exchange: NewExchange, text: str, on_loop: bool
) -> None:
    exchange = new_exchange()
    exchange.received = replace(exchange.received, session=Sessions(KEY).enter("agent", "s", ""))
    exchange.vault = vault = WatchedVault()
    parts = await inspector.prompt(exchange, [Part("user", "text", "/x", text)])
    assert vault.on_loop == {on_loop}

    vault.on_loop.clear()
    document = await mask_off_loop({"x": text}, parts, {"EMAIL_ADDRESS": (Mask("EMAIL_ADDRESS"),)}, vault)
    assert vault.on_loop == {on_loop}
    assert EMAIL not in document["x"]
