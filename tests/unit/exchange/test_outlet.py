"""A large piece of text is restored in slices, between which others have their turn."""

from __future__ import annotations

from gateway.dialects.reading.sse import SseEvent
from gateway.exchange.outlet import Outlet
from gateway.masking import Restorer, Vault
from tests.support.values import EMAIL
from tests.unit.exchange.test_stream_texts import turns_of


async def test_others_have_their_turn_while_a_large_text_is_restored() -> None:
    vault = Vault(b"k" * 32)
    name = vault.placeholder("EMAIL_ADDRESS", "pii", EMAIL)
    vault.mark_restorable(name)
    outlet = Outlet(Restorer(vault, [EMAIL]).run())
    outlet.reshape["0"] = SseEvent
    assert await turns_of(outlet.add_text("0", f"Dear {name}, " * 1000)) > 20
