"""A raw request on trial, on the way of live traffic."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.policy.trial import Request, TrialRefused, arrive
from gateway.config import Config, Provider
from gateway.errors import ConfigError
from tests.unit.contract.test_schemas import INPUT


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Two families; the credential of one is not set, and its host answers nothing."""
    unset = Provider("openai", "http://127.0.0.1:9", credential="env:NOT_SET_HERE")
    return Config(
        providers={"openai": unset, "claude": Provider("anthropic", "http://127.0.0.1:9")}, root=tmp_path
    )


def request(text: str = "hello", **changes: Any) -> Request:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}]}
    return replace(Request("openai", json.dumps(body).encode()), **changes)


async def test_a_request_becomes_the_input_that_policy_is_asked_about(config: Config, tmp_path: Path) -> None:
    """Nothing is sent, and nothing of the gateway's state is read or written."""
    document, syntax = await arrive(
        config, request("mail jane.roe@acme.org", agent="bot", owner="ana", groups=("red",))
    )
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
    assert syntax == ()
    assert os.listdir(tmp_path) == []


async def test_the_path_is_the_familys_own_unless_one_is_named(config: Config) -> None:
    """Its query is told apart."""
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    document, _ = await arrive(config, Request("claude", json.dumps(body).encode()))
    assert (document["dialect"], document["path"]) == ("anthropic.messages", "/v1/messages")
    document, _ = await arrive(
        config, Request("claude", json.dumps(body).encode(), path="/v1/messages?beta=true")
    )
    assert document["path"] == "/v1/messages"


async def test_what_was_found_where_nothing_can_be_masked_is_told(config: Config) -> None:
    body = {"model": "jane.roe@acme.org", "messages": [{"role": "user", "content": "hi"}]}
    _, (found,) = await arrive(config, Request("openai", json.dumps(body).encode()))
    assert found.entities == ("EMAIL_ADDRESS",)


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
