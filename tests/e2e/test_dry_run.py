"""`policy.enforce: false`: all is decided and recorded, nothing carried out, and every answer says so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.conftest import RULES, Disk, Launch
from tests.support.asking import Family, body_of, post, refusal, streamed_text
from tests.support.configuration import configuration, need_engine, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.processes import opa_of
from tests.support.values import EMAIL, MODEL_EMAIL, PEM


@pytest.fixture(scope="module")
def dry(running_provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway that only says what it would do."""
    folder = tmp_path_factory.mktemp("dry")
    policy = policy_copy(folder, rules={"e2e.rego": RULES.read_text()})
    config = configuration(running_provider.url, engine="embedded", policy=policy, enforce=False)
    process = GatewayProcess(folder / "gateway", config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def dry_key(dry: GatewayProcess) -> str:
    return dry.create_key("agent", "ana")


@pytest.fixture(scope="module")
def held_key(dry: GatewayProcess) -> str:
    """The key of an agent whose prompts people are asked about."""
    return dry.create_key("held", "ana", group="hold-long")


@pytest.mark.parametrize("family", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("text", "action"), [(f"to {EMAIL} now", "mask"), (f"keep {PEM}", "deny"), ("nothing here", "allow")]
)
def test_what_would_be_masked_or_denied_passes_unchanged(
    dry: GatewayProcess,
    dry_key: str,
    provider: FakeProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
    text: str,
    action: str,
) -> None:
    answer = post(http, dry, dry_key, body_of(family, "echo", text, stream=stream), family=family)

    assert answer.status_code == 200
    assert answer.headers["x-regate-action"] == action
    assert answer.headers["x-regate-enforced"] == "false"
    assert provider.only().json()["messages"][-1]["content"] == text
    if stream:
        assert streamed_text(answer.text) == text
    exchange_id = answer.headers["x-regate-exchange-id"]
    assert dry.closing(exchange_id)["status"] == 200
    records = dry.query("SELECT enforced, kind, action FROM records WHERE exchange_id = ?", exchange_id)
    assert {row["enforced"] for row in records} == {False}
    assert action in {row["action"] for row in records if row["kind"] == "decision"}


def test_what_would_be_held_passes_at_once_and_asks_nobody(
    dry: GatewayProcess, held_key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    answer = post(http, dry, held_key, body_of("openai", "echo", "hello"))

    assert answer.status_code == 200
    assert answer.headers["x-regate-action"] == "require_approval"
    assert answer.headers["x-regate-enforced"] == "false"
    assert dry.query("SELECT * FROM approvals") == []


def test_a_completion_that_would_be_masked_comes_as_the_model_said_it(
    dry: GatewayProcess, dry_key: str, http: httpx.Client, provider: FakeProvider
) -> None:
    answer = post(http, dry, dry_key, body_of("openai", "new-pii", "hello"))

    assert answer.headers["x-regate-enforced"] == "false"
    assert MODEL_EMAIL in answer.text
    [decision] = dry.await_rows(
        "SELECT * FROM decisions WHERE phase = 'response' AND exchange_id = ?",
        answer.headers["x-regate-exchange-id"],
    )
    assert (decision["action"], decision["enforced"]) == ("mask", False)


def test_refusals_that_are_no_decision_stay_and_say_so_too(
    dry: GatewayProcess, dry_key: str, http: httpx.Client, provider: FakeProvider
) -> None:
    for answer, expected in (
        (post(http, dry, "rg_nobody", body_of("openai", "echo", "hello")), (401, "unauthenticated")),
        (post(http, dry, dry_key, b'{"model": "echo", "model": "x"}'), (400, "invalid_request")),
    ):
        assert refusal(answer) == expected
        assert answer.headers["x-regate-enforced"] == "false"
    assert provider.received() == []


def test_without_a_decision_nothing_passes_in_a_dry_run_either(
    launch: Launch, provider: FakeProvider, http: httpx.Client
) -> None:
    need_engine("sidecar")
    gateway = launch(engine="sidecar", enforce=False)
    key = gateway.create_key("agent", "ana")
    opa = opa_of(gateway.pid)
    os.kill(opa, signal.SIGSTOP)
    try:
        answer = post(http, gateway, key, body_of("openai", "echo", "hello"))
    finally:
        os.kill(opa, signal.SIGCONT)

    assert refusal(answer) == (503, "policy_unavailable")
    assert answer.headers["x-regate-enforced"] == "false"
    assert provider.received() == []


def test_without_a_record_nothing_passes_in_a_dry_run_either(
    launch: Launch, disk: Disk, provider: FakeProvider, http: httpx.Client
) -> None:
    gateway = launch(enforce=False, audit={"path": str(disk.path / "audit")})
    key = gateway.create_key("agent", "ana")
    assert post(http, gateway, key, body_of("openai", "echo", "before")).status_code == 200
    provider.forget()
    disk.fill()
    answer = post(http, gateway, key, body_of("openai", "echo", "hello"))

    assert refusal(answer) == (503, "recording_failed")
    assert answer.headers["x-regate-enforced"] == "false"
    assert provider.received() == []
