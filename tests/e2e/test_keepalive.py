"""With `hold.keepalive_seconds`, a held stream stays awake, and its outcome is an event, not a status."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.asking import Family, body_of, events, post, refusal, streamed_text
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.people import approve, await_pending, deny
from tests.support.values import EMAIL

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_held_stream_gets_comments_and_then_its_completion(
    patient: GatewayProcess,
    patient_keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    many: ThreadPoolExecutor,
    words: str,
    family: Family,
) -> None:
    key, body = patient_keys.agents["hold-long"], body_of(family, "echo", f"{words} {EMAIL}", stream=True)
    waiting = many.submit(post, http, patient, key, body, family=family)
    approve(patient, await_pending(patient, words), patient_keys.people["approver"])
    answer = waiting.result(20)

    assert answer.status_code == 200
    assert answer.text.startswith(": ")
    assert streamed_text(answer.text) == f"{words} {EMAIL}"
    assert len(provider.received()) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_held_stream_that_is_denied_ends_with_the_error_event(
    patient: GatewayProcess,
    patient_keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    many: ThreadPoolExecutor,
    words: str,
    family: Family,
) -> None:
    key, body = patient_keys.agents["hold-long"], body_of(family, "echo", words, stream=True)
    waiting = many.submit(post, http, patient, key, body, family=family)
    deny(patient, await_pending(patient, words), patient_keys.people["approver"])
    answer = waiting.result(20)

    assert answer.status_code == 200
    assert [event["error"]["code"] for event in events(answer.text)] == ["approval_denied"]
    assert provider.received() == []
    assert patient.closing(answer.headers["x-regate-exchange-id"])["code"] == "approval_denied"


def test_a_wait_that_ends_is_an_event_with_the_approval(
    patient: GatewayProcess, patient_keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    body = body_of("openai", "echo", words, stream=True)
    answer = post(http, patient, patient_keys.agents["hold-briefly"], body)

    [event] = events(answer.text)
    assert event["error"]["code"] == "approval_required"
    assert event["error"]["approval_id"].startswith("ap_")


def test_a_provider_that_fails_after_the_wait_is_an_event_too(
    patient: GatewayProcess, patient_keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = patient_keys.agents["hold-briefly"], body_of("openai", "error-500", words, stream=True)
    first = post(http, patient, key, body)
    approve(patient, events(first.text)[0]["error"]["approval_id"], patient_keys.people["approver"])
    answer = post(http, patient, key, body)

    assert answer.status_code == 200
    assert "incorrect credential" in str(events(answer.text)[-1]["error"])


def test_a_whole_completion_waits_in_silence(
    patient: GatewayProcess, patient_keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    answer = post(http, patient, patient_keys.agents["hold-briefly"], body_of("openai", "echo", words))

    assert refusal(answer) == (403, "approval_required")


def test_a_client_that_leaves_a_held_stream_is_recorded_and_its_approval_stays(
    patient: GatewayProcess, patient_keys: Keyring, provider: FakeProvider, http: httpx.Client, words: str
) -> None:
    key, body = patient_keys.agents["hold-long"], body_of("openai", "echo", words, stream=True)
    headers = {"authorization": f"Bearer {key}"}
    url = f"{patient.url}/openai/v1/chat/completions"
    with http.stream("POST", url, json=body, headers=headers) as stream:
        exchange_id = stream.headers["x-regate-exchange-id"]
        frames = stream.iter_raw()  # kept: an iterator that is let go closes the connection
        assert next(frames).startswith(b": ")
        approval_id = await_pending(patient, words)

    assert patient.closing(exchange_id)["code"] == "cancelled"
    approve(patient, approval_id, patient_keys.people["approver"])
    assert streamed_text(post(http, patient, key, body).text) == words
