"""What crosses the gateway beside the bodies; and what is nowhere: raw values, keys."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway import __version__
from tests.support.asking import Family, bearer, body_of, post, raw, refusal
from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.keyring import Keyring
from tests.support.sdk import EACH_FORM, REFUSED, Ask, Sdk
from tests.support.values import CREDENTIAL, EMAIL, MODEL_VALUES, PEM, VALUES, sentence

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
GO_UP = {
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "openai-beta",
    "user-agent",
    "x-api-key",
}
STAY_UP = (
    "set-cookie",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "x-internal-route",
    "cf-ray",
)


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_an_sdks_headers_go_up_and_the_credential_replaces_the_agents_key(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    await sdk.ask(gateway.url, key, "echo", Ask())

    received = provider.only()
    names = {name for name, _ in received.headers if not name.startswith("x-stainless-")}
    assert names <= GO_UP
    assert (received.header("user-agent") or "").endswith(f" regate/{__version__}")
    assert key not in received.everything()
    if sdk.family == "anthropic":
        assert received.header("x-api-key") == CREDENTIAL
        assert received.header("authorization") is None
        assert received.header("anthropic-version") is not None
    else:
        assert received.header("authorization") == f"Bearer {CREDENTIAL}"


@pytest.mark.parametrize("family", FAMILIES)
def test_headers_that_name_an_account_a_host_or_a_person_stay_behind(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    headers = {
        "cookie": "session=abc",
        "openai-organization": "org-of-somebody",
        "openai-project": "proj-x",
        "x-forwarded-for": "10.1.2.3",
        "x-forwarded-host": "intranet.example",
        "x-regate-session": "my session",
        "x-other-api-key": "of another house",
    }
    post(http, gateway, key, body_of(family, "echo", "hello"), family=family, headers=headers)

    received = provider.only()
    assert {name for name, _ in received.headers} <= GO_UP


@pytest.mark.parametrize("family", FAMILIES)
def test_other_headers_go_up_with_their_values_masked(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client, family: Family
) -> None:
    headers = {
        "anthropic-beta": "tools-beta",
        "openai-beta": "assistants=v2",
        "idempotency-key": "once-only",
        "x-stainless-lang": "python",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "http-referer": "https://app.example/",
        "mcp-session-id": "abc",
    }
    told = {"x-title": f"app of {EMAIL}", "user-agent": f"agent of {EMAIL}"}
    post(http, gateway, key, body_of(family, "echo", "hello"), family=family, headers=headers | told)

    received = provider.only()
    assert {name: received.header(name) for name in headers} == headers
    assert (received.header("x-title") or "").startswith("app of <EMAIL_ADDRESS_")
    assert (received.header("user-agent") or "").startswith("agent of <EMAIL_ADDRESS_")
    assert EMAIL not in received.everything()


@pytest.mark.parametrize("name", ["anthropic-beta", "openai-beta", "accept", "anthropic-version"])
def test_a_value_in_a_header_that_would_go_up_does_not(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client, name: str
) -> None:
    answer = post(http, gateway, key, body_of("openai", "echo", "hello"), headers={name: f"to {EMAIL}"})

    assert refusal(answer) == (403, "policy_denied")
    assert provider.received() == []


def test_query_parameters_go_up_but_for_credentials(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    path = "openai/v1/chat/completions?api-version=2024-06-01&purpose=x&api_key=mine&start_time=1698787200"
    post(http, gateway, key, body_of("openai", "echo", "hello"), path=path)

    kept = "/v1/chat/completions?api-version=2024-06-01&purpose=x&start_time=1698787200"
    assert provider.only().target == kept


def test_a_base_path_of_the_provider_stands_in_front(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    answer = post(http, gateway, key, body_of("openai", "echo", "hello"), path="based/v1/chat/completions")

    assert answer.status_code == 200
    assert provider.only().target == "/base/path/v1/chat/completions"


def test_a_base_path_of_the_caller_keeps_the_dialect(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    path = "openai/openai/deployments/one/chat/completions?api-version=2024-06-01"
    answer = post(http, gateway, key, body_of("openai", "echo", f"to {EMAIL}"), path=path)

    assert answer.status_code == 200
    received = provider.only()
    assert received.target == "/openai/deployments/one/chat/completions?api-version=2024-06-01"
    assert EMAIL not in received.everything()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["echo", "error-500"])
def test_cookies_and_organisations_of_the_provider_never_come_down(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
    model: str,
) -> None:
    answer = post(http, gateway, key, body_of(family, model, "hello", stream=stream), family=family)

    assert [name for name in STAY_UP if name in answer.headers] == []
    assert answer.headers.get("server") != "cloudflare"
    assert "of-the-operator" not in str(answer.headers)
    assert answer.headers["x-request-id"].startswith("req-")
    assert answer.headers["request-id"].startswith("req-")
    if stream and model == "echo":
        assert "content-length" not in answer.headers


def test_the_list_of_models_passes_and_head_has_no_body(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    listed = http.get(f"{gateway.url}/openai/v1/models", headers=bearer(key))
    status, headers, body = raw(gateway, "HEAD", "/openai/v1/models", bearer(key))

    assert listed.json()["data"] == [{"id": "echo", "object": "model"}]
    assert listed.headers["x-regate-action"] == "allow"
    assert (status, body) == (200, b"")
    assert headers["x-regate-exchange-id"] != listed.headers["x-regate-exchange-id"]


def test_numbers_and_key_order_of_a_body_are_kept(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    text = b"h\\u00e9llo / \\ud83d\\ude00"
    numbers = b'"alpha": {"b": 1.50, "a": 123456, "e": 1e2}, "seed": 18446744073709551617'
    message = b'{"content": "' + text + b'", "role": "user"}'
    body = (
        b'{"zeta": 1, "model": "echo", ' + numbers + b', "messages": [' + message + b'], "t": 0.1, "n": null}'
    )
    answer = post(http, gateway, key, body)

    assert answer.status_code == 200, answer.text
    sent = provider.only().body.decode()
    document = provider.only().json()
    assert list(document) == ["zeta", "model", "alpha", "seed", "messages", "t", "n"]
    assert list(document["alpha"]) == ["b", "a", "e"]
    assert document["seed"] == 18446744073709551617
    assert "18446744073709551617" in sent
    assert document["alpha"] == {"b": 1.5, "a": 123456, "e": 100.0}
    assert document["messages"][0]["content"] == "héllo / \U0001f600"


def test_the_operators_pages_tell_nothing_of_the_traffic(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    post(http, gateway, key, body_of("openai", "echo", sentence()))
    pages = {name: http.get(f"{gateway.url}/{name}") for name in ("healthz", "readyz", "metrics")}

    assert [page.status_code for page in pages.values()] == [200, 200, 200]
    assert pages["readyz"].json()["ready"] is True
    assert "regate" in pages["metrics"].text
    for page in pages.values():
        assert not any(secret in page.text for secret in (*VALUES, CREDENTIAL, key))


def test_neither_a_value_nor_a_key_nor_the_credential_is_in_anything_that_was_written(
    governed: GatewayProcess, keys: Keyring, provider: FakeProvider, http: httpx.Client
) -> None:
    for family in FAMILIES:
        for stream in (False, True):
            for model in (
                "echo",
                "echo-call",
                "new-pii",
                "new-secret",
                "error-401",
                "close-mid",
                "broken-sse",
            ):
                body = body_of(family, model, sentence(), stream=stream)
                post(http, governed, keys.agents["default"], body, family=family)
        post(http, governed, keys.agents["default"], body_of(family, "echo", PEM), family=family)
        post(http, governed, keys.agents["hold-briefly"], body_of(family, "echo", sentence()), family=family)
    post(http, governed, keys.agents["default"], b'{"broken": "' + EMAIL.encode() + b'"')
    post(http, governed, keys.agents["default"], EMAIL.encode(), headers={"content-type": "text/plain"})
    last = http.get(f"{governed.url}/openai/v1/models/{EMAIL}", headers=bearer(keys.agents["default"]))
    governed.closing(last.headers["x-regate-exchange-id"])

    secrets = [*VALUES, *MODEL_VALUES, CREDENTIAL, *keys.agents.values(), *keys.people.values(), "MIIEow"]
    written = governed.written()
    assert {Path(name).parts[0] for name in written} >= {"audit", "state", "stderr", "stdout"}
    found = {
        (name, secret) for name, data in written.items() for secret in secrets if secret.encode() in data
    }
    assert found == set()
    journal = "".join(str(row) for row in governed.query("SELECT * FROM records"))
    assert [secret for secret in secrets if secret in journal] == []


async def test_the_credential_is_masked_in_a_completion_that_repeats_it(
    gateway: GatewayProcess, key: str, provider: FakeProvider
) -> None:
    for sdk in EACH_FORM:
        with pytest.raises(REFUSED) as caught:
            await sdk.ask(gateway.url, key, "error-401", Ask())
        assert CREDENTIAL not in str(caught.value)
        heard = await sdk.ask(gateway.url, key, "leak-credential,chunk=3", Ask())
        assert CREDENTIAL not in heard.text
        assert heard.text.startswith("I was called with ")
