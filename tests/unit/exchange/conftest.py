"""An exchange as far as steps need one, with real detection and a provider that is never called."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import pytest

from gateway import detect
from gateway.config import Detect, ServerKey
from gateway.exchange.exchange import Exchange
from gateway.exchange.inspect import Inspector
from gateway.exchange.steps import Call, Envelope, Received
from gateway.masking import Vault
from gateway.masking.vault import VaultEntry, Where
from gateway.upstream import Transport, Upstream
from gateway.words import Category, Source
from tests.support.values import CREDENTIAL

NewExchange = Callable[..., Exchange]


@pytest.fixture
def new_exchange() -> NewExchange:
    """Make an exchange with the provider `openai`, whose credential is known."""

    def make(body: bytes = b"", **changes: Any) -> Exchange:
        async def read() -> bytes:
            return body

        fields: dict[str, Any] = {
            "provider": "openai",
            "method": "POST",
            "raw_path": b"/v1/chat/completions",
            "raw_query": b"",
            "headers": {"content-type": "application/json"},
            "source": Source("127.0.0.1", "test"),
            "body": read,
        }
        exchange = Exchange(Call(**{**fields, **changes}), enforced=True)
        upstream = Upstream("openai", "openai", cast(Transport, None), None)
        exchange.trail.secret = CREDENTIAL
        exchange.received = Received(upstream=upstream, envelope=Envelope("/v1/chat/completions"))
        exchange.vault, exchange.response_vault = Vault(b"k" * 32), Vault(b"k" * 32)
        return exchange

    return make


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    detector = detect.Detector(Detect())
    inspection = detect.DetectionService(detector, 60)
    yield Inspector(inspection, detector, ServerKey(b"s" * 32))
    await inspection.close()


class WatchedVault(Vault):
    """Remembers whether it was used on the event loop's thread."""

    def __init__(self) -> None:
        super().__init__(b"k" * 32)
        self.on_loop: set[bool] = set()

    def placeholder(
        self, entity: str, category: Category, value: str, *, depth: int = 0, where: Where = "text"
    ) -> str:
        self.on_loop.add(threading.current_thread() is threading.main_thread())
        return super().placeholder(entity, category, value, depth=depth, where=where)

    @property
    def restorable(self) -> Mapping[str, VaultEntry]:
        self.on_loop.add(threading.current_thread() is threading.main_thread())
        return super().restorable
