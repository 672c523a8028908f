"""The gateway is killed under load, or told to stop: nothing that went up is missing in its evidence."""

from __future__ import annotations

import itertools
import json
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.support.asking import body_of, events, post, streamed_text
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import EMAIL
from tests.support.waiting import PATIENCE_SECONDS, until

ASKING = 6  # clients at once
LETTERS = "abcdefghij"


def test_after_a_kill_under_load_every_prompt_that_reached_the_provider_is_on_record(
    launch: Launch, provider: FakeProvider
) -> None:
    gateway = launch()
    key = gateway.create_key("agent", "ana")
    for _ in range(2):
        with Load(gateway, key) as asked:
            until(lambda answered=asked: len(answered) >= 40)  # type: ignore[misc]
            assert gateway.process is not None
            gateway.process.kill()
            gateway.process.wait()
        verified = gateway.cli("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        gateway.kill()
        gateway.start()

    reached = {prompt_of(received.body) for received in provider.received()}
    prompts = gateway.query("SELECT prompt FROM contents WHERE prompt LIKE '%|%'")
    recorded = {row["prompt"].split("|")[1] for row in prompts}
    assert len(reached) > 40
    assert reached - recorded == set()
    states = {row["state"] for row in gateway.query("SELECT DISTINCT state FROM exchanges")}
    assert states <= {"completed", "interrupted", "cancelled", "refused"}  # a busy machine is late
    assert gateway.stop() == 0
    assert gateway.cli("audit", "verify").returncode == 0
    sql = "select action, count(*) as n from decisions group by 1"
    rows = json.loads(gateway.run("audit", "sql", sql, "--format", "json"))
    assert [row["action"] for row in rows] == ["mask"]
    assert rows[0]["n"] >= len(reached)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_is_under_way_and_signs_its_evidence(
    launch: Launch, provider: FakeProvider, http: httpx.Client, stop: signal.Signals
) -> None:
    gateway = launch(limits={"drain_seconds": 20})
    key = gateway.create_key("agent", "ana")
    body = body_of("openai", "echo,chunk=3,delay=0.1", f"the long tale of {EMAIL} and others", stream=True)
    with ThreadPoolExecutor(1) as pool:
        streaming = pool.submit(post, http, gateway, key, body)
        provider.await_received(bool)
        assert gateway.process is not None
        gateway.process.send_signal(stop)
        answer = streaming.result(PATIENCE_SECONDS)
        code = gateway.process.wait(PATIENCE_SECONDS)

    assert code == 0, gateway.log()
    assert streamed_text(answer.text) == f"the long tale of {EMAIL} and others"
    assert events(answer.text)[-1] == "[DONE]"
    assert gateway.closing(answer.headers["x-regate-exchange-id"])["code"] == ""
    last = (gateway.audit / "checkpoints.ndjson").read_text().splitlines()[-1]
    assert json.loads(last)["kind"] == "root"
    assert gateway.cli("audit", "verify").returncode == 0


def test_told_to_stop_it_cancels_what_does_not_end_and_says_so(
    launch: Launch, provider: FakeProvider
) -> None:
    gateway = launch(limits={"drain_seconds": 1})
    key = gateway.create_key("agent", "ana")
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client, ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(post, client, gateway, key, body_of("openai", "hang", "hello"))
        provider.await_received(bool)
        assert gateway.stop() == 0
        hanging.exception(PATIENCE_SECONDS)

    [row] = gateway.query("SELECT state, code FROM exchanges")
    assert (row["state"], row["code"]) == ("cancelled", "cancelled")
    assert gateway.cli("audit", "verify").returncode == 0
    assert provider.only().ending == "left"


class Load:
    """Clients that ask as fast as they can, whole and streamed, until the gateway is gone."""

    _count = itertools.count()

    def __init__(self, gateway: GatewayProcess, key: str) -> None:
        self._gateway, self._key = gateway, key
        self._answers: list[int] = []
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(ASKING)
        self._clients: list[Future[None]] = []

    def __enter__(self) -> list[int]:
        self._clients = [self._pool.submit(self._ask, stream=bool(index % 2)) for index in range(ASKING)]
        return self._answers

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def _ask(self, *, stream: bool) -> None:
        with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
            while not self._over.is_set():
                text = f"prompt |{spelt(next(self._count))}| for {EMAIL}"
                try:
                    answer = post(
                        client, self._gateway, self._key, body_of("openai", "echo", text, stream=stream)
                    )
                except httpx.TransportError:
                    return
                self._answers.append(answer.status_code)


def spelt(number: int) -> str:
    """A number in letters, so that nothing is detected in it."""
    return "".join(LETTERS[int(digit)] for digit in str(number))


def prompt_of(body: bytes) -> str:
    return str(json.loads(body)["messages"][0]["content"].split("|")[1])
