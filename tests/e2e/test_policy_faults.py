"""OPA away, killed, late or talking nonsense, and policy that cannot be used: nothing passes undecided."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.support import fake_opa
from tests.support.asking import body_of, post, refusal
from tests.support.configuration import ENGINES, configuration, edit_settings, need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import DidNotStart, GatewayProcess
from tests.support.processes import alive, below, opa_of
from tests.support.waiting import holds, until

UNAVAILABLE, ERROR = (503, "policy_unavailable"), (500, "policy_error")
BROKEN = "package regate.rules.broken\n\nverdicts contains verdict if {\n\tverdict := {\n}\n"


@pytest.fixture(scope="module")
def opa_mode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that tells the fake OPA how to go wrong."""
    path = tmp_path_factory.mktemp("fake-opa") / "mode"
    path.write_text("well")
    return path


@pytest.fixture(scope="module")
def misled(
    running_provider: FakeProvider, opa_mode: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway whose `opa` is the fake one."""
    executable = opa_mode.with_name("opa")
    executable.write_text(f'#!/bin/sh\nexec {sys.executable} {fake_opa.__file__} {opa_mode} "$@"\n')
    executable.chmod(0o755)
    config = configuration(running_provider.url, engine="sidecar", policy=policy_copy(opa_mode.parent))
    config["policy"]["timeout_seconds"] = 0.5
    folder = tmp_path_factory.mktemp("misled")
    process = GatewayProcess(folder, config, {"REGATE_OPA": str(executable)}).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def misled_key(misled: GatewayProcess) -> str:
    return misled.create_key("agent", "ana")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("nonsense", UNAVAILABLE),
        ("nothing", UNAVAILABLE),
        ("an old version", UNAVAILABLE),
        ("no version", UNAVAILABLE),
        ("a list", UNAVAILABLE),
        ("late", UNAVAILABLE),
        ("hang up", UNAVAILABLE),
        ("not found", UNAVAILABLE),
        ("too much", UNAVAILABLE),
        ("no provenance", UNAVAILABLE),
        ("another revision", UNAVAILABLE),
        ("an error", ERROR),
        ("undefined", ERROR),
        ("misspelt", ERROR),
        ("unknown key", ERROR),
        ("mask without list", ERROR),
        ("a string", ERROR),
        ("null", ERROR),
        ("true", ERROR),
    ],
)
def test_a_decision_that_is_no_decision_refuses(
    misled: GatewayProcess,
    misled_key: str,
    opa_mode: Path,
    provider: FakeProvider,
    http: httpx.Client,
    mode: str,
    expected: tuple[int, str],
) -> None:
    opa_mode.write_text(mode)
    answer = post(http, misled, misled_key, body_of("openai", "echo", "hello"))
    opa_mode.write_text("well")

    assert refusal(answer) == expected
    assert provider.received() == []
    record = misled.closing(answer.headers["x-regate-exchange-id"])
    assert (record["kind"], record["status"], record["code"]) == ("refusal", *expected)
    assert post(http, misled, misled_key, body_of("openai", "echo", "hello")).status_code == 200


def test_an_opa_that_is_killed_refuses_until_another_one_decides(
    launch: Launch, provider: FakeProvider, http: httpx.Client
) -> None:
    need_engine("sidecar")
    gateway = launch(engine="sidecar")
    key = gateway.create_key("agent", "ana")
    first = opa_of(gateway.pid)
    answers: list[httpx.Response] = []

    def decides() -> bool:
        answers.append(post(http, gateway, key, body_of("openai", "echo", "hello")))
        return answers[-1].status_code == 200

    os.kill(first, signal.SIGKILL)
    until(decides)
    assert answers[0].status_code == 503
    assert {refusal(answer) for answer in answers[:-1]} == {UNAVAILABLE}
    assert answers[-1].status_code == 200
    assert len(provider.received()) == 1
    assert opa_of(gateway.pid) != first
    assert gateway.closing(answers[0].headers["x-regate-exchange-id"])["code"] == "policy_unavailable"


def test_an_opa_that_stands_still_is_late(launch: Launch, provider: FakeProvider, http: httpx.Client) -> None:
    need_engine("sidecar")
    gateway = launch(engine="sidecar")
    key = gateway.create_key("agent", "ana")
    opa = opa_of(gateway.pid)
    os.kill(opa, signal.SIGSTOP)
    try:
        answer = post(http, gateway, key, body_of("openai", "echo", "hello"))
    finally:
        os.kill(opa, signal.SIGCONT)

    assert refusal(answer) == UNAVAILABLE
    assert provider.received() == []
    assert await_answer(http, gateway, key, "echo", 200)


@pytest.mark.parametrize(
    ("opa", "code", "said"),
    [
        ("/nowhere/opa", 2, "REGATE_OPA: /nowhere/opa is not an executable file"),
        ("/bin/false", 2, "no OPA that says its version"),
    ],
)
def test_a_gateway_without_its_opa_does_not_start(
    launch: Launch, provider: FakeProvider, opa: str, code: int, said: str
) -> None:
    with pytest.raises(DidNotStart) as caught:
        launch(engine="sidecar", environment={"REGATE_OPA": opa})

    assert caught.value.code == code
    assert said in caught.value.log
    assert "Traceback" not in caught.value.log


@pytest.mark.parametrize("engine", ENGINES)
def test_a_syntax_error_at_start_is_said_with_file_and_line(
    launch: Launch, tmp_path: Path, engine: str
) -> None:
    need_engine(engine)
    policy = policy_copy(tmp_path, rules={"broken.rego": BROKEN})
    with pytest.raises(DidNotStart) as caught:
        launch(engine=engine, policy=policy)

    assert caught.value.code == 2
    assert f"{policy}/rules/broken.rego:" in caught.value.log
    assert "Traceback" not in caught.value.log


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_is_live_soon_and_a_broken_one_leaves_the_old_policy_in_force(
    launch: Launch, provider: FakeProvider, http: httpx.Client, tmp_path: Path, engine: str
) -> None:
    need_engine(engine)
    policy = policy_copy(tmp_path)
    gateway = launch(engine=engine, policy=policy)
    key = gateway.create_key("agent", "ana")

    edit_settings(policy, {"groups": {"default": {"models": ["only-this*"]}}})
    assert await_answer(http, gateway, key, "echo", 403)
    assert await_answer(http, gateway, key, "only-this-model", 200)

    (policy / "rules" / "broken.rego").write_text(BROKEN)
    await_log(gateway, "the last good policy stays in force")
    assert f"{policy}/rules/broken.rego:" in gateway.log()
    assert refusal(post(http, gateway, key, body_of("openai", "echo", "hello"))) == (403, "policy_denied")
    assert post(http, gateway, key, body_of("openai", "only-this-model", "hello")).status_code == 200

    (policy / "rules" / "broken.rego").unlink()
    edit_settings(policy, {"groups": {"default": {"models": ["*"]}}})
    assert await_answer(http, gateway, key, "echo", 200)


def test_no_process_outlives_a_gateway_that_was_killed(launch: Launch) -> None:
    need_engine("sidecar")
    gateway = launch(engine="sidecar")
    assert gateway.process is not None
    children = [pid for pid, _ in below(gateway.process.pid)]
    gateway.process.kill()
    gateway.process.wait()

    assert children
    assert holds(lambda: not any(alive(pid) for pid in children))


def await_answer(http: httpx.Client, gateway: GatewayProcess, key: str, model: str, status: int) -> bool:
    """Ask until the answer has this status; an edit is promised within two seconds on a machine at rest."""
    body = body_of("openai", model, "hello")
    return holds(lambda: post(http, gateway, key, body).status_code == status)


def await_log(gateway: GatewayProcess, words: str) -> None:
    assert holds(lambda: words in gateway.log()), gateway.log()
