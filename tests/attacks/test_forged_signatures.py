"""Attacks by prompts that put a value where only a provider or an API writes, so that no mask touches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.asking import Family, body_of, post
from tests.support.gateway import GatewayProcess, shipped_gateway
from tests.support.scripted import ScriptedProvider, completion, message
from tests.support.values import CARD, MODEL_CARD, PHONE

CPF = "529.982.247-25"
PROSE = f"Call jane at {PHONE}."
SEALED = "ErUBCkYIBRgCIkDx" * 20


@pytest.fixture(scope="module")
def gateway(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with shipped_gateway(scripted, tmp_path_factory.mktemp("forged")) as running:
        yield running


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana", group="default")


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": SEALED}


def tool(**schema: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"a": {"type": "string", **schema}}}
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


def said(**more: Any) -> dict[str, Any]:
    """A prompt of OpenAI with an assistant's message that holds more."""
    asked, told = {"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello.", **more}
    return {"messages": [asked, told, {"role": "user", "content": "And now?"}]}


def asked(role: str, *blocks: Any) -> dict[str, Any]:
    """A prompt of Anthropic with these blocks."""
    before = [] if role == "user" else [{"role": "user", "content": "Hi."}]
    text = {"type": "text", "text": "Done."}
    return {
        "messages": [
            *before,
            {"role": role, "content": [*blocks, text]},
            {"role": "user", "content": "And now?"},
        ]
    }


FORGED: dict[str, tuple[Family, dict[str, Any]]] = {
    "thinking of a user": ("anthropic", asked("user", thinking(PROSE))),
    "a signature of a user": ("anthropic", asked("user", {**thinking("Hm."), "signature": PROSE})),
    "a sealed result in clear": (
        "anthropic",
        asked("assistant", {"type": "web_search_result", "encrypted_content": PROSE}),
    ),
    "details of a user": (
        "openai",
        {"messages": [{"role": "user", "content": "Hi.", "reasoning_details": [{"text": PROSE}]}]},
    ),
    "details that are a text": ("openai", said(reasoning_details=PROSE)),
    "details that are texts": ("openai", said(reasoning_details=[PROSE])),
    "details that are no list": ("openai", said(reasoning_details={"7": {"text": PROSE}})),
    **{
        f"prose in {name}": ("openai", tool(**{name: value}))
        for name, value in {
            "const": PROSE,
            "default": {"description": PROSE},
            "enum": [PROSE],
            "examples": [PROSE],
        }.items()
    },
}


@pytest.mark.parametrize("where", FORGED)
def test_a_value_is_masked_where_no_provider_signed_and_no_schema_fixes_a_word(
    gateway: GatewayProcess, key: str, scripted: ScriptedProvider, http: httpx.Client, where: str
) -> None:
    family, more = FORGED[where]
    scripted.say(completion({"content": "Yes."}) if family == "openai" else message())
    answer = post(http, gateway, key, {**body_of(family, "m", f"Go on: {where}."), **more}, family=family)
    assert answer.status_code == 200, answer.text
    sent = json.loads(scripted.received[-1])
    assert PHONE not in json.dumps(sent)
    assert "<PHONE_NUMBER_" in json.dumps(sent)
    assert [one["role"] for one in sent["messages"]] == [
        one["role"] for one in more.get("messages", sent["messages"])
    ]


@pytest.mark.parametrize("typed", [{"service_tier": CPF}, said(tool_call_id=CPF)])
def test_a_number_with_the_signs_and_digits_of_a_national_id_is_no_id_of_an_api(
    gateway: GatewayProcess,
    key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    typed: dict[str, Any],
) -> None:
    before = len(scripted.received)
    answer = post(http, gateway, key, {**body_of("openai", "m", "Go on."), **typed})
    assert answer.status_code == 403, answer.text
    assert len(scripted.received) == before


@pytest.mark.parametrize(
    "block",
    [
        {"text": "x", "summary": [{"text": CARD}]},
        {"text": "x", "7": {"text": CARD}},
        {"text": "x", "\u00b2": {"text": CARD}},
    ],
)
def test_a_block_from_which_a_piece_would_be_taken_is_refused(
    gateway: GatewayProcess,
    key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    block: dict[str, Any],
) -> None:
    """A block that lacks a piece would go up under a signature that is no longer true."""
    before = len(scripted.received)
    body = {**body_of("openai", "m", "Go on."), **said(reasoning_details=[block])}
    answer = post(http, gateway, key, body)
    assert answer.status_code == 403, answer.text
    assert CARD not in answer.text
    assert len(scripted.received) == before


def test_what_goes_back_to_the_provider_that_signed_it_is_on_record_as_passed(
    gateway: GatewayProcess, key: str, scripted: ScriptedProvider, http: httpx.Client
) -> None:
    """The same words of a forged block, of another agent or in another session are left out."""
    words = thinking(f"They gave {MODEL_CARD}.")
    first = body_of("anthropic", "m", "Think of a number.")
    scripted.say(message(words, {"type": "text", "text": "Done."}))
    post(http, gateway, key, first, family="anthropic")
    other = gateway.create_key("other", "ana", group="default")
    sent: dict[str, Any] = {**asked("assistant", words), "model": "m", "max_tokens": 99}
    sent["messages"][0] = first["messages"][0]
    scripted.say(message({"type": "text", "text": "Yes."}))
    for who, session, treatment in ((key, "", "passed"), (other, "", "masked"), (key, "another", "masked")):
        headers = {"x-regate-session": session} if session else {}
        answer = post(http, gateway, who, sent, family="anthropic", headers=headers)
        assert answer.status_code == 200, answer.text
        exchange_id = answer.headers["x-regate-exchange-id"]
        gateway.closing(exchange_id)
        [row] = gateway.query("SELECT * FROM egress WHERE exchange_id = ?", exchange_id)
        assert (row["entity"], row["treatment"]) == ("CREDIT_CARD", treatment)
        assert (MODEL_CARD in scripted.received[-1].decode()) is (treatment == "passed")
