"""A fault that was not foreseen is a recorded refusal, which says nothing of what it stumbled over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from gateway.config import Config, Limits, ServerKey
from gateway.errors import Refusal
from gateway.exchange.exchange import Exchange
from gateway.exchange.govern import Gateway, Services
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange


class FaultyIdentity:
    """Fails on every caller."""

    async def identify(self, *_: object) -> None:
        raise ValueError(f"what is {EMAIL}?")


class RefusalsOnly:
    """A ledger that keeps refusals."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def record_refusal(self, _: Exchange, refusal: Refusal) -> None:
        self.refusals.append(refusal)


async def test_an_unforeseen_fault_is_a_recorded_refusal(new_exchange: NewExchange) -> None:
    ledger, unused = RefusalsOnly(), cast(Any, None)
    services = Services(
        identity=cast(Any, FaultyIdentity()),
        sessions=unused,
        usage=unused,
        upstreams=unused,
        inspection=unused,
        detector=cast(Any, SimpleNamespace(describe=None)),
        policies=unused,
        approvals=unused,
        ledger=cast(Any, ledger),
    )
    config = cast(Config, SimpleNamespace(limits=Limits(), cors_origins=(), providers={}))
    answer = await Gateway(config, ServerKey(b"s" * 32), services).answer(new_exchange())

    assert answer.status == 500
    assert [refusal.code for refusal in ledger.refusals] == ["internal_error"]
    assert EMAIL.encode() not in cast(bytes, answer.body)
