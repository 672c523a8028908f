"""A held prompt waits for people, passes once when they agree, and never otherwise."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.asking import body_of, post, refusal
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.people import approve, await_pending, deny, listed, status_of
from tests.support.sdk import REFUSED, Ask, Sdk, code_of
from tests.support.values import EMAIL, INJECTION

WAITING = [Sdk("openai", "async", False), Sdk("anthropic", "async", True)]


@pytest.mark.parametrize("sdk", WAITING, ids=str)
async def test_a_held_prompt_goes_on_when_somebody_approves_while_it_waits(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk, words: str
) -> None:
    text = f"{words} for {EMAIL}"
    asking = asyncio.create_task(sdk.ask(governed.url, keys.agents["hold-long"], "echo", Ask(user=text)))
    approval_id = await asyncio.to_thread(await_pending, governed, words)
    assert provider.received() == []
    assert not asking.done()

    await asyncio.to_thread(approve, governed, approval_id, keys.people["approver"], process=True)
    heard = await asyncio.wait_for(asking, 15)

    assert heard.text == text
    assert EMAIL not in provider.only().everything()
    [row] = governed.query("SELECT state FROM approvals WHERE approval_id = ?", approval_id)
    assert row["state"] == "used"


async def test_a_held_prompt_is_refused_when_somebody_denies_while_it_waits(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, words: str
) -> None:
    asking = asyncio.create_task(
        WAITING[0].ask(governed.url, keys.agents["hold-long"], "echo", Ask(user=words))
    )
    approval_id = await asyncio.to_thread(await_pending, governed, words)
    await asyncio.to_thread(deny, governed, approval_id, keys.people["approver"], process=True)
    with pytest.raises(REFUSED) as caught:
        await asyncio.wait_for(asking, 15)

    assert (caught.value.status_code, code_of(caught.value)) == (403, "approval_denied")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert provider.received() == []


def test_when_the_wait_ends_the_answer_names_the_approval_and_a_retry_passes_once(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["hold-briefly"], body_of("openai", "echo", f"{words} {EMAIL}")
    first = post(http, governed, key, body)

    assert refusal(first) == (403, "approval_required")
    assert first.headers["x-should-retry"] == "false"
    approval_id = first.json()["error"]["approval_id"]
    assert first.json()["error"]["reasons"][0]["rule"] == "e2e.hold"
    assert listed(governed, "pending")[approval_id]["agent"] == "agent-hold-briefly"
    assert provider.received() == []
    assert governed.closing(first.headers["x-regate-exchange-id"])["approval_id"] == approval_id

    joined = post(http, governed, key, body)
    assert joined.json()["error"]["approval_id"] == approval_id

    approve(governed, approval_id, keys.people["approver"], process=True)
    passed = post(http, governed, key, body)
    again = post(http, governed, key, body)

    assert passed.status_code == 200
    assert passed.json()["choices"][0]["message"]["content"] == f"{words} {EMAIL}"
    assert refusal(again) == (403, "approval_required")
    assert again.json()["error"]["approval_id"] != approval_id
    assert len(provider.received()) == 1


def test_of_identical_requests_at_once_an_approval_passes_only_one(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    many: ThreadPoolExecutor,
    words: str,
) -> None:
    key, body = keys.agents["hold-briefly"], body_of("openai", "echo", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    approve(governed, approval_id, keys.people["approver"])
    answers = list(many.map(lambda _: post(http, governed, key, body), range(6)))

    assert sorted(answer.status_code for answer in answers) == [200, *[403] * 5]
    assert len(provider.received()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda body: {**body, "temperature": 0.5},
        lambda body: {
            **body,
            "messages": [{"role": "user", "content": body["messages"][0]["content"] + "!"}],
        },
        lambda body: {**body, "model": "echo,chunk=5"},
        lambda body: {**body, "stream": True},
    ],
    ids=["parameter", "text", "model", "stream"],
)
def test_an_approval_passes_no_other_request(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    approved_body: dict[str, object],
    change: object,
) -> None:
    assert callable(change)
    answer = post(http, governed, keys.agents["hold-briefly"], change(approved_body))

    assert refusal(answer) == (403, "approval_required")
    assert provider.received() == []


def test_an_approval_does_not_pass_another_value_behind_the_same_mask_or_another_agent(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key = keys.agents["hold-briefly"]
    held = post(http, governed, key, body_of("openai", "echo", f"{words} {EMAIL}"))
    approve(governed, held.json()["error"]["approval_id"], keys.people["approver"])
    other_value = post(http, governed, key, body_of("openai", "echo", f"{words} someone.else@acme.org"))
    other_agent = post(
        http, governed, keys.agents["hold-by-two"], body_of("openai", "echo", f"{words} {EMAIL}")
    )
    other_path = post(
        http, governed, key, body_of("openai", "echo", f"{words} {EMAIL}"), path="based/v1/chat/completions"
    )

    assert {refusal(answer) for answer in (other_value, other_agent, other_path)} == {
        (403, "approval_required")
    }
    assert provider.received() == []


def test_an_approval_that_expires_while_the_request_waits_is_said_to(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    answer = post(http, governed, keys.agents["hold-expiring"], body_of("openai", "echo", words))

    assert refusal(answer) == (403, "approval_expired")
    approval_id = answer.json()["error"]["approval_id"]
    late = governed.cli("approvals", "approve", approval_id, "--note", "late", key=keys.people["approver"])
    assert late.returncode == 1
    assert "Traceback" not in late.stderr
    assert status_of(governed, approval_id) == "expired"
    assert provider.received() == []


@pytest.mark.parametrize("who", ["themselves", "auditor", "delegate", "nobody"])
def test_who_may_not_approve_does_not(governed: GatewayProcess, keys: Keyring, held: str, who: str) -> None:
    key = keys.people.get(who, "rg_aaaaaaaaaaaa_" + "a" * 52)
    done = governed.cli("approvals", "approve", held, "--note", "let me", key=key)

    assert done.returncode == 1
    assert done.stderr.startswith("regate: ")
    assert key not in done.stderr
    assert status_of(governed, held) == "pending"


def test_the_asking_agents_own_key_does_not_approve(
    governed: GatewayProcess, keys: Keyring, held: str
) -> None:
    done = governed.cli("approvals", "approve", held, "--note", "me", key=keys.agents["hold-briefly"])

    assert done.returncode == 1
    assert status_of(governed, held) == "pending"


def test_two_people_are_two_people(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["hold-by-two"], body_of("openai", "echo", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    approve(governed, approval_id, keys.people["approver"])
    governed.cli("approvals", "approve", approval_id, "--note", "again", key=keys.people["approver"])
    assert refusal(post(http, governed, key, body)) == (403, "approval_required")

    approve(governed, approval_id, keys.people["second"])
    assert post(http, governed, key, body).status_code == 200


def test_only_the_named_group_approves(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["hold-for-security"], body_of("openai", "echo", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    outsider = governed.cli("approvals", "approve", approval_id, "--note", "x", key=keys.people["approver"])
    approve(governed, approval_id, keys.people["guard"])

    assert outsider.returncode == 1
    assert post(http, governed, key, body).status_code == 200


def test_policy_that_wants_a_second_approval_of_the_same_request_is_a_denial(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    many: ThreadPoolExecutor,
    words: str,
) -> None:
    waiting = many.submit(post, http, governed, keys.agents["insatiable"], body_of("openai", "echo", words))
    approve(governed, await_pending(governed, words), keys.people["approver"])

    assert refusal(waiting.result(20)) == (403, "policy_denied")
    assert provider.received() == []


def test_a_client_that_leaves_does_not_cancel_what_it_asked_for(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["hold-long"], body_of("openai", "echo", words)
    with httpx.Client(timeout=1.0, trust_env=False) as impatient, pytest.raises(httpx.ReadTimeout):
        post(impatient, governed, key, body)
    approval_id = await_pending(governed, words)
    assert governed.await_rows(
        "SELECT e.state FROM exchanges e JOIN approvals a USING (exchange_id)"
        " WHERE a.approval_id = ? AND e.state = 'cancelled'",
        approval_id,
    )

    approve(governed, approval_id, keys.people["approver"])
    assert post(http, governed, key, body).status_code == 200
    assert len(provider.received()) == 1


@pytest.mark.parametrize("model", ["error-429", "error-500", "error-503", "close"])
def test_a_provider_that_fails_gives_the_approval_back(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    model: str,
) -> None:
    key, body = keys.agents["hold-briefly"], body_of("openai", model, words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    approve(governed, approval_id, keys.people["approver"])
    answers = [post(http, governed, key, body) for _ in range(5)]

    status = 502 if model == "close" else int(model.removeprefix("error-"))
    assert [answer.status_code for answer in answers] == [status] * 4 + [
        403
    ]  # given back three times at most
    assert len(provider.received()) == 4


def test_an_answer_that_is_the_callers_own_fault_does_not_give_it_back(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["hold-briefly"], body_of("openai", "error-400", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    approve(governed, approval_id, keys.people["approver"])

    assert [post(http, governed, key, body).status_code for _ in range(2)] == [400, 403]


def test_revoking_the_asking_key_ends_its_approval(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key = governed.create_key("short-lived", "ana", group="hold-briefly")
    approval_id = post(http, governed, key, body_of("openai", "echo", words)).json()["error"]["approval_id"]
    governed.run("keys", "revoke", key.split("_")[1])
    done = governed.cli("approvals", "approve", approval_id, "--note", "x", key=keys.people["approver"])
    time.sleep(1)  # a revocation acts within a second

    assert done.returncode == 1
    answer = post(http, governed, key, body_of("openai", "echo", words))
    assert refusal(answer) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("result", "text", "rule"),
    [
        (INJECTION, "go on", "injection.require_approval"),
        (
            "fine",
            " ".join(f"person.{letter}@export.org ," for letter in "abcdefghijklmnopqrstuvwxyz"),
            "bulk.personal_values",
        ),
    ],
    ids=["injection", "bulk"],
)
def test_the_shipped_policy_holds_injection_and_bulk_export_and_says_why(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    result: str,
    text: str,
    rule: str,
    words: str,
) -> None:
    body = body_of("openai", "echo", f"{words} {text}")
    call = {"id": "call_a", "type": "function", "function": {"name": "fetch", "arguments": "{}"}}
    body["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_a", "content": result},
    ]
    with httpx.Client(timeout=1.0, trust_env=False) as impatient, pytest.raises(httpx.ReadTimeout):
        post(impatient, gateway, key, body)

    rows = gateway.await_rows("SELECT reasons FROM approvals WHERE state IN ('requested', 'pending')")
    assert rule in {reason["rule"] for row in rows for reason in row["reasons"]}
    assert provider.received() == []


@pytest.fixture
def held(governed: GatewayProcess, keys: Keyring, http: httpx.Client, words: str) -> str:
    """A pending approval of an agent that ana owns."""
    answer = post(http, governed, keys.agents["hold-briefly"], body_of("openai", "echo", words))
    return str(answer.json()["error"]["approval_id"])


@pytest.fixture
def approved_body(
    governed: GatewayProcess, keys: Keyring, http: httpx.Client, held: str, words: str
) -> dict[str, object]:
    """The body of a request that is approved and not yet sent again."""
    approve(governed, held, keys.people["approver"])
    return body_of("openai", "echo", words)
