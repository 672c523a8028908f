"""An exchange as far as the steps of the flow need one, with real detection and a provider nobody calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from gateway.exchange.exchange import Call, Exchange
from gateway.masking import Vault
from gateway.upstream import Transport, Upstream
from gateway.words import Source
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
        exchange.upstream = Upstream("openai", "openai", cast(Transport, None), CREDENTIAL)
        exchange.family = "openai"
        exchange.vault, exchange.response_vault = Vault(b"k" * 32), Vault(b"k" * 32)
        exchange.up_path = "/v1/chat/completions"
        return exchange

    return make
