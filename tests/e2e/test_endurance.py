"""Callers that leave, an engine that hangs, a state file that is swapped, a drain that ends: all are told."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.e2e.conftest import Launch
from tests.support.asking import PATHS, Family, body_of, post, refusal
from tests.support.configuration import need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.people import await_pending
from tests.support.processes import alive, opa_of
from tests.support.values import EMAIL, INJECTION
from tests.support.waiting import PATIENCE_SECONDS, holds

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
ROUNDS, CLIENTS = 15, 10
PAUSES = (0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 3)  # seconds after which a client leaves


def test_many_callers_that_leave_leave_nothing_open_and_nothing_unrecorded(
    launch: Launch, provider: FakeProvider
) -> None:
    gateway = launch(hold={"keepalive_seconds": 0.2})
    key = gateway.create_key("agent", "ana")
    asyncio.run(leave_in_rounds(gateway, key))

    def open_exchanges() -> float:
        lines = httpx.get(
            f"{gateway.url}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
        ).text.splitlines()
        return float(next(line for line in lines if line.startswith("regate_exchanges_open")).split()[-1])

    assert holds(lambda: open_exchanges() == 0)
    received = provider.await_received(lambda all_of_them: all(one.ending != "open" for one in all_of_them))
    assert received
    assert [one.target for one in received if one.ending == "open"] == []

    assert gateway.stop() == 0
    closings = gateway.query(
        "SELECT exchange_id, count(*) FILTER (kind IN ('completion', 'refusal')) AS closed "
        "FROM records WHERE exchange_id <> '' GROUP BY 1"
    )
    assert len(closings) > CLIENTS
    assert [row for row in closings if row["closed"] != 1] == []
    assert "unforeseen" not in gateway.log()


async def leave_in_rounds(gateway: GatewayProcess, key: str) -> None:
    chance = random.Random(7)
    for number in range(ROUNDS):
        bodies = [
            body_of("openai", "echo,chunk=4,delay=0.02", "word " * 200, stream=True),
            body_of("openai", "hang", "hello"),
            body_of("openai", "hang-mid", "hello", stream=True),
            body_of("openai", "echo", f"{INJECTION} {number % 3}", stream=True),
            body_of("openai", "new-pii", f"to {EMAIL}", stream=True),
        ]
        await asyncio.gather(*(leave(gateway, key, bodies[i % 5], chance) for i in range(CLIENTS)))


async def leave(gateway: GatewayProcess, key: str, body: dict[str, object], chance: random.Random) -> None:
    """Ask, read for a moment, and break the connection off."""
    pause, most = chance.choice(PAUSES), chance.choice((10, 100_000))
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    content = json.dumps(body).encode()
    head = [
        f"POST /{PATHS['openai']} HTTP/1.1",
        "host: x",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {len(content)}",
    ]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)
    try:
        async with asyncio.timeout(pause):
            await reader.read(most)
    except (TimeoutError, ConnectionError):
        pass
    writer.transport.abort()


def test_an_engine_that_hangs_is_replaced_after_three_late_answers(
    launch: Launch, provider: FakeProvider, http: httpx.Client
) -> None:
    need_engine("sidecar")
    gateway = launch(engine="sidecar")
    key = gateway.create_key("agent", "ana")
    hung = opa_of(gateway.pid)
    os.kill(hung, signal.SIGSTOP)
    late = [post(http, gateway, key, body_of("openai", "echo", "hello")) for _ in range(3)]
    assert {refusal(answer) for answer in late} == {(503, "policy_unavailable")}

    answers: list[httpx.Response] = []

    def decides() -> bool:
        answers.append(post(http, gateway, key, body_of("openai", "echo", "hello")))
        return answers[-1].status_code == 200

    assert holds(decides)
    assert {refusal(answer)[0] for answer in answers[:-1]} <= {503}
    assert holds(lambda: not alive(hung))
    assert opa_of(gateway.pid) != hung


def test_a_state_file_that_is_replaced_or_removed_refuses_and_is_not_ready(
    launch: Launch, provider: FakeProvider, http: httpx.Client
) -> None:
    gateway = launch()
    key = gateway.create_key("agent", "ana")
    assert post(http, gateway, key, body_of("openai", "echo", "hello")).status_code == 200
    old_copy(gateway.state)

    for _ in ("replaced", "removed"):
        time.sleep(1)  # a key is known for half a second
        answer = post(http, gateway, key, body_of("openai", "echo", "hello"))
        ready = http.get(f"{gateway.url}/readyz")
        assert refusal(answer) == (503, "state_unavailable")
        assert ready.status_code == 503
        assert [problem for problem in ready.json()["problems"] if problem.startswith("state: ")]
        gateway.state.unlink(missing_ok=True)
    assert len(provider.received()) == 1


def old_copy(state: Path) -> None:
    """Put a copy in the place of the file, as who restores a backup does."""
    backup = state.with_suffix(".backup")
    with sqlite3.connect(state) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
    backup.replace(state)


def test_requests_that_outlast_the_drain_are_told_so_in_their_dialect(
    launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path
) -> None:
    gateway = launch(policy=policy_copy(tmp_path), limits={"drain_seconds": 1})
    key = gateway.create_key("agent", "ana")
    with ThreadPoolExecutor(4) as pool:
        waiting = {
            family: pool.submit(
                post, http, gateway, key, body_of(family, "echo", f"for {family}: {INJECTION}"), family=family
            )
            for family in FAMILIES
        }
        hanging = pool.submit(post, http, gateway, key, body_of("openai", "hang", "hello"))
        for family in FAMILIES:
            await_pending(gateway, f"for {family}")
        provider.await_received(bool)
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        answers = {family: one.result(PATIENCE_SECONDS) for family, one in waiting.items()}
        cut_off = hanging.result(PATIENCE_SECONDS)
        code = gateway.process.wait(PATIENCE_SECONDS)

    for answer in (*answers.values(), cut_off):
        assert refusal(answer) == (503, "shutting_down")
        assert gateway.closing(answer.headers["x-regate-exchange-id"])["code"] == "cancelled"
    assert "type" not in answers["openai"].json()
    assert answers["anthropic"].json()["type"] == "error"
    assert code == 0
    assert [one.ending for one in provider.received()] == ["left"]
