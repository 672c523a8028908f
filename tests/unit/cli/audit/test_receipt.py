"""`regate audit prove --receipt`: what an agent kept is redeemed for a proof that holds alone."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from gateway.config import load_config, load_server_key
from gateway.errors import RegateError
from gateway.exchange import Receipts
from gateway.exchange.steps import Answer, Sent
from gateway.identity import create_key
from tests.support.application import opener
from tests.support.configuration import policy_copy
from tests.support.values import EMAIL
from tests.unit.exchange.conftest import NewExchange, new_exchange

__all__ = ["new_exchange"]


async def test_every_answer_has_a_receipt_that_is_redeemed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_exchange: NewExchange
) -> None:
    """A whole answer, a stream, and a refusal, by a gateway that is gone; not for another answer, and not
    against the evidence.
    """
    async with opener(tmp_path)() as running:
        whole = await running.ask("hello")
        body = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
        key = {"authorization": f"Bearer {running.key}"}
        streamed = await running.http.post("/demo/v1/chat/completions", json=body, headers=key)
        refused = await running.http.post("/demo/v1/none", json=body, headers=key)
        unknown = await running.http.post("/demo/v1/chat/completions", json=body)
    assert [one.status_code for one in (whole, streamed, refused, unknown)] == [200, 200, 403, 401]
    monkeypatch.chdir(tmp_path)
    public = ("--public-key", "state/evidence.pub")
    for answer in (whole, streamed, refused, unknown):
        receipt = answer.headers["x-regate-receipt"]
        (tmp_path / "answer").write_bytes(answer.content)
        given = () if answer is unknown else ("--answer", "answer")
        done = CliRunner().invoke(app, ["audit", "prove", "--receipt", receipt, "--out", "p", *given])
        assert done.exception is None, done.output
        said = CliRunner().invoke(app, ["audit", "verify", "--proof", "p", "--json", *public])
        stated, *proved = json.loads(said.stdout)
        assert stated["exchange"] == answer.headers["x-regate-exchange-id"]
        assert stated["status"] == answer.status_code
        assert bool(stated["sent"]) == (answer in (whole, streamed))
        assert bool(stated["streamed"]) == (answer is streamed)
        assert proved
    (tmp_path / "answer").write_bytes(streamed.content[:-1])
    other = ["audit", "prove", "--receipt", streamed.headers["x-regate-receipt"], "--answer", "answer"]
    assert "not the answer" in str(CliRunner().invoke(app, other).exception)

    exchange = new_exchange()
    exchange.id = whole.headers["x-regate-exchange-id"]
    exchange.forwarded = Sent(exchange.started, 1, "another")
    receipts = Receipts(load_server_key(load_config(tmp_path / "regate.yaml").key_path))
    lie = receipts.attach(exchange, Answer(200, {}, b"")).headers["x-regate-receipt"]
    done = CliRunner().invoke(app, ["audit", "prove", "--receipt", lie])
    assert isinstance(done.exception, RegateError)
    assert "the receipt says" in str(done.exception)


async def test_the_receipt_of_a_held_stream_is_redeemed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its headers go down before anything goes up."""
    held = {"categories": {"pii": {"request": {"action": "require_approval"}}}}
    policy = policy_copy(tmp_path, {**held, "approval": {"wait_seconds": 20}})
    body = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": EMAIL}]}
    async with opener(tmp_path)(policy=policy, hold={"keepalive_seconds": 0.2}) as running:
        row, _ = create_key(running.worker.keys, agent="b", owner="bob", role="approver", now=time.time())
        key, approvals = {"authorization": f"Bearer {running.key}"}, running.worker.approvals
        asking = asyncio.create_task(running.http.post("/demo/v1/chat/completions", json=body, headers=key))
        while not (pending := await approvals.list(status="pending")):  # noqa: ASYNC110 - in the state
            await asyncio.sleep(0.05)
        await approvals.decide(pending[0].id, row, "approve", "")
        answer = await asking
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer").write_bytes(answer.content)
    redeem = ["audit", "prove", "--receipt", answer.headers["x-regate-receipt"], "--answer", "answer"]
    done = CliRunner().invoke(app, [*redeem, "--out", "p"])
    assert done.exception is None, done.exception
