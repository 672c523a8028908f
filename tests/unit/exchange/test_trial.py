"""A raw request on trial, on the way of live traffic."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Config, Provider
from gateway.errors import ConfigError
from gateway.exchange.trial import TrialRefused, TrialRequest, arrive
from tests.unit.contract.test_schemas import INPUT


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Two families; the credential of one is not set, and its host answers nothing."""
    unset = Provider("openai", "http://127.0.0.1:9", credential="env:NOT_SET_HERE")
    return Config(
        providers={"openai": unset, "claude": Provider("anthropic", "http://127.0.0.1:9")}, root=tmp_path
    )


def request(text: str = "hello", **changes: Any) -> TrialRequest:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}]}
    return replace(TrialRequest("openai", json.dumps(body).encode()), **changes)


async def test_a_request_becomes_the_input_that_policy_is_asked_about(config: Config, tmp_path: Path) -> None:
    """Nothing is sent, and nothing of the gateway's state is read or written."""
    trial = await arrive(config, request("mail jane.roe@acme.org", agent="bot", owner="ana", groups=("red",)))
    document = trial.document
    INPUT.validate(document)
    assert (document["phase"], document["model"], document["path"]) == (
        "request",
        "gpt-4.1",
        "/v1/chat/completions",
    )
    assert (document["agent"]["id"], document["agent"]["owner"], document["agent"]["groups"]) == (
        "bot",
        "ana",
        ["red"],
    )
    assert [row["entity"] for row in document["findings"]] == ["EMAIL_ADDRESS"]
    assert "jane.roe" not in json.dumps(document)
    assert trial.syntax == ()
    (text,) = [part for part in trial.shown() if part["kind"] == "text"]
    assert text["findings"] == [{"entity": "EMAIL_ADDRESS", "score": 1.0}]
    assert "jane.roe" not in json.dumps(trial.shown())
    assert os.listdir(tmp_path) == []


async def test_the_path_is_the_familys_own_unless_one_is_named(config: Config) -> None:
    """Its query is told apart."""
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    document = (await arrive(config, TrialRequest("claude", json.dumps(body).encode()))).document
    assert (document["dialect"], document["path"]) == ("anthropic.messages", "/v1/messages")
    trial = await arrive(
        config, TrialRequest("claude", json.dumps(body).encode(), path="/v1/messages?beta=true")
    )
    assert trial.document["path"] == "/v1/messages"


async def test_what_was_found_where_nothing_can_be_masked_is_told(config: Config) -> None:
    body = {"model": "jane.roe@acme.org", "messages": [{"role": "user", "content": "hi"}]}
    (found,) = (await arrive(config, TrialRequest("openai", json.dumps(body).encode()))).syntax
    assert found.entities == ("EMAIL_ADDRESS",)


async def test_what_stands_in_a_header_is_found_as_in_live_traffic(config: Config) -> None:
    headers = {"x-amzn-bedrock-request-metadata": "of jane.roe@acme.org", "user-agent": "of kim.roe@acme.org"}
    document = (await arrive(config, request(headers=headers))).document
    assert [(row["entity"], row["distinct"]) for row in document["findings"]] == [("EMAIL_ADDRESS", 1)]
    assert document["source"]["user_agent"].startswith("of <EMAIL_ADDRESS_")
    assert "roe" not in json.dumps(document)


async def test_a_header_that_the_live_key_sealed_is_left_out(config: Config) -> None:
    mcp = msgspec.structs.replace(config, providers={"mcp": Provider("mcp", "http://127.0.0.1:9")})
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    trial = await arrive(mcp, TrialRequest("mcp", body, headers={"mcp-session-id": "s.0"}))
    assert trial.document["dialect"] == "mcp"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"body": b"{"}, "400 invalid_request: the body cannot be read"),
        ({"path": "/v1//chat"}, "400 invalid_request"),
    ],
)
async def test_what_the_gateway_refuses_itself_is_no_question_for_policy(
    config: Config, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(TrialRefused, match=f"refuses this before policy is asked: {why}"):
        await arrive(config, request(**changes))


async def test_a_provider_that_is_not_configured_is_refused_with_those_that_are(config: Config) -> None:
    with pytest.raises(ConfigError, match="provider 'other': expected one of openai, claude"):
        await arrive(config, request(provider="other"))
