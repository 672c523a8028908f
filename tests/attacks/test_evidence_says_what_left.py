"""Attacks on what the evidence says of values and prompts that went to a provider."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from gateway.audit import Journal
from gateway.audit.sealing.content import ContentKey
from gateway.config.server_key import load_server_key
from gateway.errors import RecordingFailed
from gateway.exchange.exchange import Exchange
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Call
from gateway.words import Source
from tests.support.asking import body_of, post, refusal
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import EMAIL, MODEL_EMAIL
from tests.support.waiting import PATIENCE_SECONDS, holds

# What each group's setting has the record say of an e-mail address in a prompt.
TREATED = {
    "lets": ({"action": "allow"}, "passed"),
    "masks": ({"action": "mask", "operator": "placeholder"}, "masked"),
    "hashes": ({"action": "mask", "operator": "hash"}, "masked"),
    "redacts": ({"action": "mask", "operator": "redact"}, "redacted"),
    "denies": ({"action": "deny"}, "refused"),
}
DENIED_ANSWERS = {"action": "deny"}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    made = FakeProvider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("egress")
    groups: dict[str, Any] = {
        name: {"entities": {"EMAIL_ADDRESS": {"request": said, "response": DENIED_ANSWERS}}}
        for name, (said, _) in TREATED.items()
    }
    groups["answers"] = {
        "entities": {"EMAIL_ADDRESS": {"response": {"action": "mask", "operator": "redact"}}}
    }
    policy = policy_copy(folder, {"groups": groups})
    config = configuration(provider.url, engine=any_engine(), policy=policy, limits={"read_seconds": 5})
    process = GatewayProcess(folder / "gateway", config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def keys(gateway: GatewayProcess) -> dict[str, str]:
    return {name: gateway.create_key(name, "ana", group=name) for name in (*TREATED, "answers")}


@pytest.fixture(autouse=True)
def nothing_received(provider: FakeProvider) -> None:
    provider.forget()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield client


def egress(gateway: GatewayProcess, exchange_id: str) -> dict[str, Any]:
    """Return the one row that says what left of an exchange that is over."""
    gateway.closing(exchange_id)
    [row] = gateway.query("SELECT * FROM egress WHERE exchange_id = ?", exchange_id)
    return row


@pytest.mark.parametrize("group", TREATED)
def test_a_value_does_not_leave_under_the_name_of_a_masked_one(
    gateway: GatewayProcess, keys: dict[str, str], provider: FakeProvider, http: httpx.Client, group: str
) -> None:
    """The evidence says `passed` of exactly those values that the provider got."""
    answer = post(http, gateway, keys[group], body_of("openai", "model", f"to {EMAIL} now"))
    row = egress(gateway, answer.headers["x-regate-exchange-id"])

    assert (row["entity"], row["treatment"], row["provider"]) == (
        "EMAIL_ADDRESS",
        TREATED[group][1],
        "openai",
    )
    received = provider.received()
    assert (row["sent"], row["bytes_sent"]) == (("yes", len(received[0].body)) if received else ("no", None))
    got_the_value = any(EMAIL.encode() in one.body for one in received)
    assert got_the_value is (row["treatment"] == "passed" and row["sent"] != "no")


def test_a_value_of_an_earlier_turn_does_not_leave_uncounted(
    gateway: GatewayProcess, keys: dict[str, str], provider: FakeProvider, http: httpx.Client
) -> None:
    """The whole conversation is sent again in each turn, and every turn says so."""
    turns = [{"role": "user", "content": f"to {EMAIL} now"}]
    for text in ("and then?", "at last?"):
        answer = post(http, gateway, keys["lets"], {"model": "model", "messages": turns})
        turns += [{"role": "assistant", "content": "done"}, {"role": "user", "content": text}]
    row = egress(gateway, answer.headers["x-regate-exchange-id"])

    assert EMAIL.encode() in provider.received()[-1].body
    assert (row["treatment"], row["count"], row["sent"]) == ("passed", 1, "yes")


def test_a_dry_run_does_not_claim_to_have_masked(
    provider: FakeProvider, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With `enforce: false` the decision is to mask, and the value goes up as it is."""
    config = configuration(provider.url, engine="embedded", enforce=False)
    dry = GatewayProcess(tmp_path_factory.mktemp("dry"), config).start()
    try:
        answer = post(http, dry, dry.create_key("agent", "ana"), body_of("openai", "model", f"to {EMAIL}"))
        row = egress(dry, answer.headers["x-regate-exchange-id"])
    finally:
        dry.kill()

    assert EMAIL in provider.only().everything()
    assert (row["action"], row["treatment"], row["sent"]) == ("mask", "passed", "yes")


def test_a_prompt_without_findings_does_not_leave_unseen(
    gateway: GatewayProcess, keys: dict[str, str], provider: FakeProvider, http: httpx.Client
) -> None:
    """An exchange with nothing to mask has a row too, and a digest that only the server's key makes."""
    answer = post(http, gateway, keys["lets"], body_of("openai", "model", "hello"))
    row = egress(gateway, answer.headers["x-regate-exchange-id"])

    assert (row["entity"], row["treatment"], row["sent"]) == (None, None, "yes")
    key = load_server_key(gateway.state.parent / "server.key")
    assert row["sent_digest"] == key.digest("sent", provider.only().body).hex()


@pytest.mark.parametrize(
    ("model", "route", "sent"),
    [("error-500", "openai", {"yes"}), ("close", "openai", {"unknown"}), ("model", "refusing", {"unknown"})],
)
def test_a_failed_call_does_not_hide_that_the_prompt_left(
    gateway: GatewayProcess, keys: dict[str, str], http: httpx.Client, model: str, route: str, sent: set[str]
) -> None:
    """A provider that fails may have kept what it got: no failure is told as nothing sent."""
    answer = post(
        http,
        gateway,
        keys["lets"],
        body_of("openai", model, f"to {EMAIL}"),
        path=f"{route}/v1/chat/completions",
    )
    row = egress(gateway, answer.headers["x-regate-exchange-id"])

    assert row["sent"] in sent
    assert row["forwarded_at"] is not None


def test_a_client_that_leaves_does_not_hide_that_the_prompt_left(
    gateway: GatewayProcess, keys: dict[str, str], provider: FakeProvider
) -> None:
    """The caller hangs up while the provider works on the prompt."""
    with httpx.Client(timeout=1, trust_env=False) as client, pytest.raises(httpx.TimeoutException):
        post(client, gateway, keys["lets"], body_of("openai", "hang", f"my address is {EMAIL}"))
    assert EMAIL in provider.only().everything()
    [row] = gateway.await_rows("SELECT * FROM egress WHERE state = 'cancelled'")

    assert (row["treatment"], row["sent"]) == ("passed", "unknown")
    assert row["forwarded_at"] is not None


def test_a_crash_does_not_hide_that_the_prompt_left(
    provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The gateway is killed while the provider works on the prompt."""
    process = GatewayProcess(
        tmp_path_factory.mktemp("crash"), configuration(provider.url, engine="embedded")
    ).start()
    key = process.create_key("agent", "ana")

    def ask() -> None:
        with (
            httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False) as client,
            pytest.raises(httpx.TransportError),
        ):
            post(client, process, key, body_of("openai", "hang", f"to {EMAIL}"))

    asking = threading.Thread(target=ask)
    asking.start()
    provider.await_received(bool)
    process.kill()
    asking.join()
    [row] = process.query("SELECT * FROM egress")

    assert (row["state"], row["sent"]) == ("interrupted", "unknown")


@pytest.mark.parametrize("stream", [False, True])
def test_the_tokens_of_a_refused_answer_are_not_free(
    gateway: GatewayProcess, http: httpx.Client, *, stream: bool
) -> None:
    """An answer that policy denies was paid for: it is on record, and counts towards the agent's budget."""
    agent = f"spender-{stream}".lower()
    key = gateway.create_key(agent, "ana", group="masks")
    body = body_of("anthropic", "new-pii", "hello", stream=stream)
    answer = post(http, gateway, key, body, family="anthropic")
    assert MODEL_EMAIL not in answer.text
    closed = gateway.closing(answer.headers["x-regate-exchange-id"])

    assert closed["code"] == "policy_denied"
    assert closed["input_tokens"] > 0
    spent = closed["input_tokens"] + max(closed["output_tokens"], 0)
    # the provider counts a stream at its end, which never came: what came of it is estimated
    heard = range(1, 100) if stream else [0]
    assert holds(lambda: _tokens(gateway, agent) - spent in heard)


def test_an_answer_that_was_denied_is_not_headed_as_allowed(
    gateway: GatewayProcess, keys: dict[str, str], http: httpx.Client
) -> None:
    """The header says how the exchange ended, and beside it what each phase decided."""
    answer = post(http, gateway, keys["lets"], body_of("openai", "new-pii", "hello"))

    assert refusal(answer) == (403, "policy_denied")
    named = ("x-regate-action", "x-regate-request-action", "x-regate-response-action")
    assert [answer.headers[name] for name in named] == ["deny", "allow", "deny"]


def test_an_answer_that_was_masked_is_not_headed_as_allowed(
    gateway: GatewayProcess, keys: dict[str, str], http: httpx.Client
) -> None:
    answer = post(http, gateway, keys["answers"], body_of("openai", "new-pii", "hello"))

    assert MODEL_EMAIL not in answer.text
    named = ("x-regate-action", "x-regate-request-action", "x-regate-response-action")
    assert [answer.headers[name] for name in named] == ["mask", "allow", "mask"]


def test_every_exchange_names_the_key_and_the_address_that_it_came_from(
    gateway: GatewayProcess, keys: dict[str, str], http: httpx.Client
) -> None:
    """Name the key of a refused exchange too, and at least the address of an unknown caller."""
    [known] = gateway.query("SELECT DISTINCT key_id, source_ip FROM exchanges WHERE agent = 'denies'")
    nobody = post(http, gateway, "rg_nobody", body_of("openai", "model", "hello"))
    unknown = gateway.closing(nobody.headers["x-regate-exchange-id"])

    assert keys["denies"].startswith(f"rg_{known['key_id']}")
    assert (known["source_ip"], unknown["source_ip"], unknown["key_id"]) == ("127.0.0.1", "127.0.0.1", None)


def test_what_cannot_be_noted_as_sent_is_not_sent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The queue is full: the note fails, and with it the call that it stands before."""

    class Full:
        def enqueue(self, _: object) -> None:
            raise RecordingFailed("the journal's queue is full")

    call = Call("openai", "POST", b"/", b"", {}, Source("127.0.0.1", ""), cast(Any, SimpleNamespace()))
    exchange = Exchange(call, enforced=True)
    with pytest.raises(RecordingFailed):
        Ledger(cast(Journal, Full()), ContentKey(b"k" * 32)).record_forwarding(exchange, b"{}", "00")

    assert exchange.forwarded is None


def _tokens(gateway: GatewayProcess, agent: str) -> int:
    with sqlite3.connect(f"file:{gateway.state}?mode=ro", uri=True) as connection:
        counted = "SELECT sum(tokens) FROM usage_counts WHERE scope = 'agent' AND name = ?"
        [(spent,)] = connection.execute(counted, (agent,)).fetchall()
    return int(spent or 0)
