"""Providers that refuse, hang, break off or send nonsense: the true status if it can be, always a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.support.asking import Family, body_of, events, post, refusal, streamed_text
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.scripted import ScriptedProvider
from tests.support.sdk import EACH_FORM, FAILED, REFUSED, Ask, Sdk, code_of
from tests.support.values import CREDENTIAL, EMAIL

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
UNAVAILABLE, UNREADABLE = (502, "upstream_unavailable"), (502, "upstream_unreadable")
LATE = (504, "upstream_timeout")
Asked = Callable[..., httpx.Response]


@pytest.fixture
def ask(governed: GatewayProcess, keys: Keyring, http: httpx.Client, words: str) -> Asked:
    """Ask a model as a plain agent."""

    def asked(
        model: str, family: Family = "openai", *, stream: bool = False, **options: Any
    ) -> httpx.Response:
        body = body_of(family, model, f"{words} {EMAIL}", stream=stream)
        return post(http, governed, keys.agents["default"], body, family=family, **options)

    return asked


def test_a_provider_that_refuses_connections_is_unavailable(governed: GatewayProcess, ask: Asked) -> None:
    for stream in (False, True):
        answer = ask("echo", stream=stream, path="refusing/v1/chat/completions")
        assert refusal(answer) == UNAVAILABLE
        assert "127.0.0.1" not in answer.text
        assert_closed(governed, answer, UNAVAILABLE)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "expected"),
    [("hang", LATE), ("close", UNAVAILABLE), ("html", UNREADABLE), ("untyped", UNREADABLE)],
)
def test_a_fault_before_the_answer_begins_has_its_own_status(
    governed: GatewayProcess,
    provider: FakeProvider,
    ask: Asked,
    family: Family,
    stream: bool,
    model: str,
    expected: tuple[int, str],
) -> None:
    answer = ask(model, family, stream=stream)

    assert refusal(answer) == expected
    assert "It works!" not in answer.text
    assert_closed(governed, answer, expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("model", "expected"),
    [("broken-json", UNREADABLE), ("close-mid", UNAVAILABLE), ("hang-mid", LATE), ("huge", UNREADABLE)],
)
def test_a_fault_inside_a_whole_completion_has_its_own_status(
    governed: GatewayProcess,
    provider: FakeProvider,
    ask: Asked,
    family: Family,
    model: str,
    expected: tuple[int, str],
) -> None:
    answer = ask(model, family)

    assert refusal(answer) == expected
    assert EMAIL not in answer.text
    assert_closed(governed, answer, expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("close-mid", "upstream_unavailable"),
        ("hang-mid", "upstream_timeout"),
        ("broken-sse", "upstream_unreadable"),
        ("truncated", "upstream_unreadable"),
    ],
)
def test_a_fault_in_mid_stream_is_the_error_event_and_the_end(
    governed: GatewayProcess, provider: FakeProvider, ask: Asked, family: Family, model: str, code: str
) -> None:
    answer = ask(model, family, stream=True)

    assert answer.status_code == 200
    made = events(answer.text)
    assert made[-1]["error"]["code"] == code
    assert "[DONE]" not in made
    assert {"type": "message_stop"} not in made
    assert "of a kind" not in answer.text
    assert governed.closing(answer.headers["x-regate-exchange-id"])["code"] == code


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stream_without_end_is_cut_off_at_the_limit(
    governed: GatewayProcess, provider: FakeProvider, ask: Asked, family: Family
) -> None:
    answer = ask("huge", family, stream=True)

    last = events(answer.text)[-1]["error"] if answer.status_code == 200 else answer.json()["error"]
    assert last["code"] == "upstream_unreadable"
    assert len(answer.content) < 16 * 1024 * 1024


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_an_sdk_raises_on_a_provider_that_breaks_off(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk, words: str
) -> None:
    with pytest.raises(FAILED) as caught:
        await sdk.ask(governed.url, keys.agents["default"], "close-mid", Ask(user=words * 5))

    assert code_of(caught.value) == "upstream_unavailable"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503, 529])
@pytest.mark.parametrize("sdk", [sdk for sdk in EACH_FORM if not sdk.stream], ids=str)
async def test_the_providers_own_errors_are_relayed_without_its_credential(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk, status: int
) -> None:
    with pytest.raises(REFUSED) as caught:
        await sdk.ask(governed.url, keys.agents["default"], f"error-{status}", Ask())

    answer = caught.value.response
    assert caught.value.status_code == status
    assert CREDENTIAL not in answer.text
    assert CREDENTIAL not in str(answer.headers)
    assert "request failed: incorrect credential" in answer.text
    assert answer.headers["retry-after"] == "0"
    record = governed.closing(answer.headers["x-regate-exchange-id"])
    assert (record["kind"], record["status"], record["code"]) == ("completion", status, "")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_of_the_provider_in_mid_stream_comes_through(
    governed: GatewayProcess, provider: FakeProvider, ask: Asked, family: Family
) -> None:
    answer = ask("error-mid", family, stream=True)

    assert events(answer.text)[-1]["error"]["message"] == "the model is overloaded"
    assert governed.closing(answer.headers["x-regate-exchange-id"])["kind"] == "completion"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed_and_not_passed_on(
    governed: GatewayProcess, provider: FakeProvider, ask: Asked, status: int
) -> None:
    answer = ask(f"redirect-{status}")

    assert provider.only().target == "/v1/chat/completions"
    assert "location" not in answer.headers
    assert not answer.is_success


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_compressed_answer_is_read_and_comes_down_plain(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(governed.url, keys.agents["default"], "gzip", Ask(user=f"to {EMAIL}"))

    assert heard.text == f"to {EMAIL}"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("model", ["echo,delay=0.2", "hang", "hang-mid"])
def test_a_client_that_leaves_ends_the_providers_call_too(
    governed: GatewayProcess,
    keys: Keyring,
    provider: FakeProvider,
    http: httpx.Client,
    words: str,
    family: Family,
    model: str,
) -> None:
    body = body_of(family, model, words * 20, stream=True)
    with httpx.Client(timeout=0.7, trust_env=False) as impatient:
        if model == "hang":
            with pytest.raises(httpx.ReadTimeout):
                post(impatient, governed, keys.agents["default"], body, family=family)
        else:
            leave_after_first_bytes(impatient, governed, keys.agents["default"], body, family)

    [received] = provider.await_received(lambda all_: [one.ending for one in all_] == ["left"])
    assert received.ending == "left"
    rows = governed.await_rows(
        "SELECT e.state FROM exchanges e JOIN records r USING (exchange_id)"
        " JOIN contents c USING (exchange_id) "
        " WHERE r.kind = 'completion' AND r.code = 'cancelled' AND c.prompt LIKE '%' || ? || '%'",
        words,
    )
    assert [row["state"] for row in rows] == ["cancelled"]


def test_the_gateway_serves_on_after_all_that(ask: Asked, provider: FakeProvider, words: str) -> None:
    answer = ask("echo", stream=True)

    assert streamed_text(answer.text) == f"{words} {EMAIL}"


def assert_closed(gateway: GatewayProcess, answer: httpx.Response, expected: tuple[int, str]) -> None:
    record = gateway.closing(answer.headers["x-regate-exchange-id"])
    assert (record["kind"], record["status"], record["code"]) == ("completion", *expected)
    [decision] = gateway.query(
        "SELECT action FROM decisions WHERE exchange_id = ?", answer.headers["x-regate-exchange-id"]
    )
    assert decision["action"] == "mask"


def leave_after_first_bytes(
    client: httpx.Client, gateway: GatewayProcess, key: str, body: dict[str, Any], family: Family
) -> None:
    path = {"openai": "openai/v1/chat/completions", "anthropic": "anthropic/v1/messages"}[family]
    headers = {"authorization": f"Bearer {key}"}
    with client.stream("POST", f"{gateway.url}/{path}", json=body, headers=headers) as answer:
        next(answer.iter_raw())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("kind", "body"), [("text/html", b"<p>busy"), ("application/json", b"busy")])
def test_an_error_in_any_form_keeps_its_status_and_when_to_come_back(
    launch: Launch, status: int, kind: str, body: bytes
) -> None:
    scripted = ScriptedProvider()
    based = {"family": "openai", "base_url": scripted.url, "credential": "env:UPSTREAM_KEY"}
    gateway = launch(providers={"based": based})
    scripted.say(body, status=status, headers={"content-type": kind, "retry-after": "7"})
    with httpx.Client(timeout=30, trust_env=False) as http:
        key = gateway.create_key("agent", "ana")
        asked = body_of("openai", "m", "hello")
        answer = post(http, gateway, key, asked, path="based/v1/chat/completions")
    scripted.close()

    assert refusal(answer) == (status, "upstream_unreadable")
    assert answer.headers["retry-after"] == "7"
    assert "busy" not in answer.text
    assert gateway.closing(answer.headers["x-regate-exchange-id"])["status"] == status
