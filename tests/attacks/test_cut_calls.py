"""Attacks by providers that call a completion cut off, so that a tool call in it is not decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.asking import Family, body_of, post
from tests.support.configuration import any_engine, configuration
from tests.support.gateway import GatewayProcess
from tests.support.scripted import ScriptedProvider, call, chunk, completion, message, message_events

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
DENIED, HALF = '{"table": "users"}', '{"path": "a.txt", "content": "never en'
CUT = {"openai": ("length", "content_filter"), "anthropic": ("max_tokens", "refusal")}
CASES = [(family, reason) for family in FAMILIES for reason in CUT[family]]


@pytest.fixture(scope="module")
def gateway(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    process = GatewayProcess(
        tmp_path_factory.mktemp("cut"), configuration(scripted.url, engine=any_engine())
    ).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.create_key("agent", "ana", "--group", "default")


def block(name: str, raw: str, *, stream: bool) -> dict[str, Any]:
    """A tool call of Anthropic; what is no JSON stands in its input as text."""
    head = {"type": "tool_use", "id": f"toolu_{name}", "name": name}
    if stream:
        return {**head, "input": {}, "deltas": [{"type": "input_json_delta", "partial_json": raw}]}
    return {**head, "input": json.loads(raw) if raw.endswith("}") else raw or {}}


def let_call(
    scripted: ScriptedProvider, family: str, reason: str, stream: bool, *calls: tuple[str, str]
) -> None:
    """Let the model make these calls, name and arguments each, and the provider say why it ended."""
    if family == "anthropic":
        blocks = [block(*one, stream=stream) for one in calls]
        if stream:
            scripted.stream(*message_events(*blocks, stop=reason))
        else:
            scripted.say(message(*blocks, stop_reason=reason))
        return
    made = [call(*one, index=index) for index, one in enumerate(calls)]
    if stream:
        scripted.stream(*(chunk({"tool_calls": [one]}) for one in made), chunk({}, reason))
    else:
        said = completion({"content": None, "tool_calls": made})
        said["choices"][0]["finish_reason"] = reason
        scripted.say(said)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("family", "reason"), CASES)
@pytest.mark.parametrize("others", [(), (("write", HALF),)], ids=["alone", "before one that is cut off"])
def test_a_complete_call_is_decided_whatever_the_provider_says_of_the_end(
    gateway: GatewayProcess,
    key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    family: Family,
    reason: str,
    others: tuple[tuple[str, str], ...],
    stream: bool,
) -> None:
    let_call(scripted, family, reason, stream, ("drop_database", DENIED), *others)
    answer = post(http, gateway, key, body_of(family, "m", f"Go on, {reason}.", stream=stream), family=family)
    assert '"drop_database"' not in answer.text  # the reason says it in a sentence
    assert "users" not in answer.text
    assert "policy_denied" in answer.text


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("family", "reason"), CASES)
@pytest.mark.parametrize("raw", [HALF, '{"table": ', ""])
def test_what_was_cut_off_reaches_no_client_and_the_record_counts_it(
    gateway: GatewayProcess,
    key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    family: Family,
    reason: str,
    raw: str,
    stream: bool,
) -> None:
    let_call(scripted, family, reason, stream, ("read", '{"path": "b.txt"}'), ("drop_database", raw))
    answer = post(http, gateway, key, body_of(family, "m", f"Go on, {reason}.", stream=stream), family=family)
    assert answer.status_code == 200, answer.text
    assert "b.txt" in answer.text
    assert "drop_database" not in answer.text
    assert "never en" not in answer.text
    record = gateway.closing(answer.headers["x-regate-exchange-id"])
    assert json.loads(record["body"])["withheld_calls"] == 1
