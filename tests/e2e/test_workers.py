"""Two workers behind one socket: what one loses the other keeps serving, and none outlives its supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.support.asking import body_of, post
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.processes import alive, below
from tests.support.waiting import PATIENCE_SECONDS, holds

BROKEN = "package regate.rules.broken\n\nverdicts contains verdict if {\n\tverdict := {\n}\n"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    limited = {"groups": {"limited": {"budgets": {"requests_1m": 20}}}}
    return policy_copy(tmp_path_factory.mktemp("policy-of-two"), limited)


@pytest.fixture(scope="module")
def pair(
    running_provider: FakeProvider, policy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway of two workers, both serving."""
    config = configuration(running_provider.url, engine=any_engine(), policy=policy, workers=2)
    process = GatewayProcess(tmp_path_factory.mktemp("pair"), config).start()
    assert both_serve(process, set())
    assert holds(lambda: refused_by(process) == 2)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def key(pair: GatewayProcess) -> str:
    return pair.create_key("agent", "ana")


def test_the_policy_gauge_is_up_whichever_worker_was_asked_first(pair: GatewayProcess) -> None:
    for _ in range(4):
        assert metric(pair, "regate_policy_ready") == 1


def test_a_key_is_refused_by_every_worker_a_second_after_its_revocation(
    pair: GatewayProcess, provider: FakeProvider
) -> None:
    key = pair.create_key("agent-revoked", "ana")
    answers: list[int] = []

    def both_know() -> bool:
        answers.append(ask(pair, key))
        return len(pair.query("SELECT DISTINCT writer FROM records WHERE agent = 'agent-revoked'")) == 2

    assert holds(both_know)
    assert set(answers) == {200}

    pair.run("keys", "revoke", key.split("_")[1])
    time.sleep(1)
    assert {ask(pair, key) for _ in range(24)} == {401}


def test_a_limit_lets_exactly_so_many_requests_pass_over_all_workers(
    pair: GatewayProcess, provider: FakeProvider
) -> None:
    key = pair.create_key("agent-limited", "ana", group="limited")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: answer(pair, key), range(60)))

    refused = [each for each in answers if each.status_code == 403]
    assert [each.status_code for each in answers].count(200) == 20
    assert len(refused) == 40
    assert all(1 <= int(each.headers["retry-after"]) <= 65 for each in refused)
    assert "budgets.requests_1m" in refused[0].text
    asked = pair.query("SELECT DISTINCT writer FROM records WHERE agent = 'agent-limited'")
    assert len(asked) == 2


def test_a_worker_that_is_killed_is_replaced_and_leaves_nothing_open_in_the_metrics(
    pair: GatewayProcess, key: str, provider: FakeProvider
) -> None:
    before = set(workers(pair))
    with ThreadPoolExecutor(8) as pool:
        hanging = [pool.submit(ask, pair, key, "hang") for _ in range(8)]
        provider.await_received(lambda received: len(received) == 8)
        assert metric(pair, "regate_exchanges_open") == 8
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        assert {one.result(PATIENCE_SECONDS) for one in hanging} == {0}

    assert both_serve(pair, before)
    assert ask(pair, key) == 200
    assert metric(pair, "regate_exchanges_open") == 0
    assert metric(pair, "regate_policy_ready") == 1


def test_a_worker_that_dies_over_a_broken_edit_takes_nobody_with_it(
    pair: GatewayProcess, key: str, policy: Path, provider: FakeProvider
) -> None:
    before = set(workers(pair))
    steady, dying = sorted(before)
    broken = policy / "rules" / "broken.rego"
    broken.write_text(BROKEN)
    ended = restarts(pair)
    os.kill(dying, signal.SIGKILL)
    try:
        assert holds(lambda: restarts(pair) >= ended + 2)  # it was killed, then it could not start
        assert pair.process is not None
        assert pair.process.poll() is None
        assert alive(steady)
        assert {ask(pair, key) for _ in range(6)} == {200}
    finally:
        broken.unlink()

    assert holds(lambda: len(serving(pair) - {steady}) == 1)
    assert ask(pair, key) == 200
    assert alive(steady)


def test_no_worker_and_no_engine_outlives_a_supervisor_that_was_killed(launch: Launch) -> None:
    gateway = launch(workers=2)
    assert both_serve(gateway, set())
    assert gateway.process is not None
    processes = [pid for pid, _ in below(gateway.process.pid)]
    assert len(processes) >= 4
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait()

    assert holds(lambda: not any(alive(pid) for pid in processes))
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{gateway.url}/healthz", trust_env=False)


def workers(gateway: GatewayProcess) -> list[int]:
    assert gateway.process is not None
    return [pid for pid, command in below(gateway.process.pid) if " --fd " in command]


def serving(gateway: GatewayProcess) -> set[int]:
    """The workers that have an engine running, which they start before they take requests."""
    return {worker for worker in workers(gateway) if any(below(worker))}


def both_serve(gateway: GatewayProcess, before: set[int]) -> bool:
    """Whether two workers that were not there before are here soon, and answer."""
    return holds(lambda: len(serving(gateway) - before) == 2) and holds(
        lambda: (
            httpx.get(f"{gateway.url}/readyz", trust_env=False, timeout=PATIENCE_SECONDS).status_code == 200
        )
    )


def refused_by(gateway: GatewayProcess) -> int:
    """How many workers have refused somebody so far, one more caller included."""
    ask(gateway, "nobody's key")
    return len(gateway.query("SELECT DISTINCT writer FROM records WHERE kind = 'refusal'"))


def restarts(gateway: GatewayProcess) -> int:
    return gateway.log().count("a worker ended and is started again")


def answer(gateway: GatewayProcess, key: str) -> httpx.Response:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        return post(client, gateway, key, body_of("openai", "echo", "hello"))


def ask(gateway: GatewayProcess, key: str, model: str = "echo") -> int:
    """The status of an answer on a connection of its own; 0 when it breaks off."""
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        try:
            return post(client, gateway, key, body_of("openai", model, "hello")).status_code
        except httpx.TransportError:
            return 0


def metric(gateway: GatewayProcess, name: str) -> float:
    lines = httpx.get(f"{gateway.url}/metrics", trust_env=False, timeout=PATIENCE_SECONDS).text.splitlines()
    [value] = [line.rpartition(" ")[2] for line in lines if line.startswith(name)]
    return float(value)
