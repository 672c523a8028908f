"""One process ships, however many ask for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from unittest.mock import Mock

import pytest

from gateway.audit.shipping import keeper
from gateway.audit.shipping.keeper import keep_shipping, only_shipper
from gateway.config import Audit, AuditReceiver, Config, Provider
from gateway.processes import spawn
from tests.support.waiting import until
from tests.unit.audit.conftest import Evidence
from tests.unit.audit.shipping.conftest import Inbox


def config(evidence: Evidence, inbox: Inbox) -> Config:
    receiver = AuditReceiver("siem", inbox.url(), "records", credential="env:SIEM_TOKEN")
    return Config(
        {"a": Provider("openai", "builtin:demo")},
        audit=Audit(str(evidence.root), receivers=(receiver,)),
        root=Path("/"),
    )


async def test_of_two_keepers_one_ships_and_the_other_takes_over(
    evidence: Evidence,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the process says is in the log of the one that keeps it; the credential reaches it."""
    monkeypatch.setenv("SIEM_TOKEN", "s3cret")
    monkeypatch.setattr(keeper, "_AGAIN_SECONDS", 0.05)
    asked, started = Mock(wraps=only_shipper), Mock(wraps=spawn)
    monkeypatch.setattr(keeper, "only_shipper", asked)
    monkeypatch.setattr(keeper, "spawn", started)
    caplog.set_level(logging.WARNING)
    evidence.record(1)
    inbox.limit = 1  # a failure that the process tells of
    made = config(evidence, inbox)
    first = asyncio.create_task(keep_shipping(made))
    await asyncio.to_thread(until, lambda: caplog.records)
    with only_shipper(evidence.folder) as alone:
        assert not alone
    second = asyncio.create_task(keep_shipping(made))
    await asyncio.to_thread(until, lambda: asked.call_count >= 4)  # the second asked and asked again
    assert started.call_count == 1
    await _ended(first)
    inbox.limit = 2**30
    await asyncio.to_thread(until, lambda: inbox.got)
    await _ended(second)
    assert "evidence is not shipped to siem" in caplog.records[0].getMessage()
    assert inbox.got[0].headers["authorization"] == "Bearer s3cret"
    with only_shipper(evidence.folder) as alone:
        assert alone


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
