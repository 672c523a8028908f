"""A held completion is kept, and handed over once people agree, without asking the provider again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.asking import Family, body_of, events, post, refusal
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.people import approve, await_pending, deny, status_of
from tests.support.sdk import EACH_FORM, Ask, Sdk
from tests.support.values import API_KEY, EMAIL

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
HELD_TOOL = "delete_customer"
DENIED_TOOL = "drop_database_now"


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_tool_call_on_the_approval_list_waits_for_people(
    patient: GatewayProcess, patient_keys: Keyring, provider: FakeProvider, sdk: Sdk, words: str
) -> None:
    ask = Ask(user=f"{words} {EMAIL}", tools=(HELD_TOOL,))
    asking = asyncio.create_task(sdk.ask(patient.url, patient_keys.agents["default"], "echo-call", ask))
    approval_id = await asyncio.to_thread(await_pending, patient, words)
    assert not asking.done()
    await asyncio.to_thread(approve, patient, approval_id, patient_keys.people["approver"], process=True)
    heard = await asyncio.wait_for(asking, 15)

    [(name, arguments)] = heard.calls
    assert (name, arguments["text"]) == (HELD_TOOL, f"{words} {EMAIL}")
    assert len(provider.received()) == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_retry_gets_the_kept_completion_without_another_call(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    family: Family,
    stream: bool,
) -> None:
    key, body = keys.agents["default"], calling(family, words, stream=stream)
    first = post(http, governed, key, body, family=family)
    error = events(first.text)[-1]["error"] if first.status_code == 200 else first.json()["error"]
    assert error["code"] == "approval_required"
    assert words not in first.text

    still = post(http, governed, key, body, family=family)
    assert "approval_required" in still.text
    assert words not in still.text
    assert len(provider.received()) == 1

    approve(governed, error["approval_id"], keys.people["approver"])
    passed = post(http, governed, key, body, family=family)
    assert passed.status_code == 200
    assert HELD_TOOL in passed.text
    assert EMAIL in passed.text
    assert "error" not in passed.text
    assert len(provider.received()) == 1
    assert status_of(governed, error["approval_id"]) == "used"

    again = post(http, governed, key, body, family=family)
    assert words not in again.text
    assert len(provider.received()) == 2


def test_of_two_retries_at_once_one_gets_the_completion(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    many: ThreadPoolExecutor,
    words: str,
) -> None:
    key, body = keys.agents["default"], calling("openai", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    approve(governed, approval_id, keys.people["approver"])
    answers = list(many.map(lambda _: post(http, governed, key, body), range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]


def test_a_denied_completion_is_gone(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = keys.agents["default"], calling("openai", words)
    approval_id = post(http, governed, key, body).json()["error"]["approval_id"]
    deny(governed, approval_id, keys.people["approver"])
    retried = post(http, governed, key, body)

    assert refusal(retried)[0] == 403
    assert retried.json()["error"].get("approval_id") != approval_id


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_on_the_deny_list_never_comes_down(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    family: Family,
    stream: bool,
) -> None:
    body = calling(family, words, stream=stream, tool=DENIED_TOOL)
    answer = post(http, gateway, key, body, family=family)

    error = events(answer.text)[-1]["error"] if answer.status_code == 200 else answer.json()["error"]
    assert error["code"] == "policy_denied"
    assert [reason["rule"] for reason in error["reasons"]] == ["tools.denied"]
    assert words not in answer.text
    assert len(provider.received()) == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_secret_of_the_prompt_is_not_handed_to_a_tool_unasked(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    family: Family,
    stream: bool,
) -> None:
    body = calling(family, f"{words} {API_KEY}", stream=stream, tool="send_note")
    answer = post(http, governed, keys.agents["default"], body, family=family)

    error = events(answer.text)[-1]["error"] if answer.status_code == 200 else answer.json()["error"]
    assert error["code"] == "approval_required"
    assert [reason["rule"] for reason in error["reasons"]] == ["tools.restored_secret"]
    assert API_KEY not in answer.text


@pytest.mark.parametrize("family", FAMILIES)
def test_one_held_call_holds_the_calls_beside_it(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    family: Family,
) -> None:
    body = calling(family, words, model="calls") | {
        "tools": [offered(family, "read_note"), offered(family, HELD_TOOL)]
    }
    answer = post(http, governed, keys.agents["default"], body, family=family)

    assert refusal(answer) == (403, "approval_required")


def test_arguments_that_do_not_parse_are_denied(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    answers = [
        post(
            http, gateway, key, calling("openai", words, model="broken-call", tool="send_note", stream=stream)
        )
        for stream in (False, True)
    ]

    assert refusal(answers[0]) == (403, "policy_denied")
    assert "tools.unparseable_arguments" in answers[0].text
    assert "tools.unparseable_arguments" in answers[1].text
    assert '{\\"city\\"' not in answers[1].text


def test_a_held_completion_is_kept_encrypted(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    answer = post(http, governed, keys.agents["default"], calling("openai", f"{words} {EMAIL}"))
    assert refusal(answer) == (403, "approval_required")

    written = governed.written()
    state = b"".join(data for name, data in written.items() if name.startswith("state/"))
    assert b"chatcmpl-stub" not in state
    assert EMAIL.encode() not in b"".join(written.values())


def calling(
    family: Family, text: str, *, stream: bool = False, tool: str = HELD_TOOL, model: str = "echo-call"
) -> dict[str, object]:
    """A prompt that the fake model answers with a call of the tool, the prompt's text in its arguments."""
    return body_of(family, model, f"{text} {EMAIL}", stream=stream) | {"tools": [offered(family, tool)]}


def offered(family: Family, name: str) -> dict[str, object]:
    schema = {"type": "object", "properties": {}}
    if family == "anthropic":
        return {"name": name, "input_schema": schema}
    return {"type": "function", "function": {"name": name, "parameters": schema}}
