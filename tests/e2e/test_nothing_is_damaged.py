"""What a model and its agent say to each other arrives whole: calls, keys, numbers, signed words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.asking import Family, body_of, events, post, streamed_text
from tests.support.configuration import any_engine, configuration, policy_copy
from tests.support.gateway import GatewayProcess, shipped_gateway
from tests.support.scripted import ScriptedProvider, call, chunk, completion, message, message_events
from tests.support.values import CARD, EMAIL, MODEL_CARD, OTHER_EMAIL, PHONE, SSN

FAMILIES: tuple[Family, ...] = ("openai", "anthropic")
SEALED = "ErUBCkYIBRgCIkDx" * 20
EVERYWHERE = {"action": "mask", "operator": "redact", "min_score": 0, "places": ["text", "tools", "signed"]}
STRICT = {"categories": {name: {"response": EVERYWHERE} for name in ("pii", "secret")}}


@pytest.fixture(scope="module")
def whole(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the shipped policy."""
    with shipped_gateway(scripted, tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture(scope="module")
def strict(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway that masks whatever a model writes, wherever it stands."""
    folder = tmp_path_factory.mktemp("strict")
    config = configuration(scripted.url, engine=any_engine(), policy=policy_copy(folder, STRICT))
    process = GatewayProcess(folder, config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def whole_key(whole: GatewayProcess) -> str:
    return whole.create_key("agent", "ana", group="default")


@pytest.fixture(scope="module")
def strict_key(strict: GatewayProcess) -> str:
    return strict.create_key("agent", "ana", group="default")


def call_of(answer: httpx.Response, family: Family, stream: bool) -> Any:
    """The arguments of the one tool call of an answer."""
    assert answer.status_code == 200, answer.text
    if family == "openai" and stream:
        deltas = [c["delta"] for e in events(answer.text) if isinstance(e, dict) for c in e["choices"]]
        calls = [one for delta in deltas for one in delta.get("tool_calls") or ()]
        return json.loads("".join(one["function"]["arguments"] for one in calls))
    if family == "openai":
        (made,) = answer.json()["choices"][0]["message"]["tool_calls"]
        return json.loads(made["function"]["arguments"])
    if stream:
        deltas = [e["delta"] for e in events(answer.text) if e["type"] == "content_block_delta"]
        return json.loads("".join(delta["partial_json"] for delta in deltas))
    (block,) = answer.json()["content"]
    return block["input"]


def let_call(scripted: ScriptedProvider, family: Family, stream: bool, arguments: Any) -> None:
    raw = json.dumps(arguments)
    if family == "openai":
        made = {"tool_calls": [call("save", raw)]}
        if stream:
            scripted.stream(chunk(made), chunk({}, "tool_calls"))
        else:
            scripted.say(completion({"content": None, **made}))
        return
    block = {"type": "tool_use", "id": "t", "name": "save", "input": {} if stream else arguments}
    if stream:
        piece = {"type": "input_json_delta", "partial_json": raw}
        scripted.stream(*message_events({**block, "deltas": [piece]}, stop="tool_use"))
    else:
        scripted.say(message(block, stop_reason="tool_use"))


def history(family: Family, arguments: Any, **more: Any) -> dict[str, Any]:
    """A prompt in which the model called a tool with these arguments."""
    if family == "openai":
        said = {"role": "assistant", "content": None, "tool_calls": [call("save", arguments)]}
        del said["tool_calls"][0]["index"]
        told = {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "saved"}
    else:
        block = {"type": "tool_use", "id": "t", "name": "save", "input": arguments}
        said = {"role": "assistant", "content": [block]}
        told = {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "saved"}],
        }
    asked = {"role": "user", "content": "Save it."}
    return {"model": "m", "max_tokens": 99, "messages": [asked, said, told], **more}


def seen_by(scripted: ScriptedProvider, family: Family) -> Any:
    """The arguments in the history, as the provider got them."""
    said = json.loads(scripted.received[-1])["messages"][1]
    if family == "openai":
        return json.loads(said["tool_calls"][0]["function"]["arguments"])
    return said["content"][0]["input"]


ARGUMENTS: dict[str, Any] = {
    EMAIL: {"card": 5500005555555559, "n": [1, 2]},
    SSN: {"phone": PHONE, OTHER_EMAIL: "x"},
    "plain": [5500005555555559, "5500005555555559 as text", True],
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_keys_and_numbers_are_masked_on_the_way_up_and_come_back_as_they_were(
    whole: GatewayProcess,
    whole_key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
) -> None:
    body = history(family, {**ARGUMENTS, "plain": [5500005555555559, True]}, stream=stream)
    let_call(scripted, family, stream, {})
    assert post(http, whole, whole_key, body, family=family).status_code == 200
    seen = seen_by(scripted, family)
    for value in (EMAIL, OTHER_EMAIL, PHONE, "5500005555555559", SSN):
        assert value not in json.dumps(seen)
    assert [len(value) for value in seen.values()] == [2, 2, 2]

    let_call(scripted, family, stream, seen)
    answer = post(http, whole, whole_key, body, family=family)
    came_back = call_of(answer, family, stream)
    assert came_back == {**ARGUMENTS, "plain": [5500005555555559, True]}
    assert list(came_back) == list(ARGUMENTS)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_two_keys_that_mean_the_same_are_both_kept(
    whole: GatewayProcess,
    whole_key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
) -> None:
    body = history(family, {EMAIL: 1}, stream=stream)
    let_call(scripted, family, stream, {})
    post(http, whole, whole_key, body, family=family)
    (name,) = seen_by(scripted, family)
    let_call(scripted, family, stream, {name: 1, EMAIL: 2})
    came_back = call_of(post(http, whole, whole_key, body, family=family), family, stream)
    assert sorted(came_back.values()) == [1, 2]
    assert came_back[EMAIL] == 2


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_model_writes_into_a_call_passes_unless_the_settings_say_otherwise(
    whole: GatewayProcess,
    whole_key: str,
    strict: GatewayProcess,
    strict_key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    family: Family,
    stream: bool,
) -> None:
    arguments = {
        "cidr_block": "10.0.0.0/16",
        "host": "84.23.17.9",
        "total_bytes": 6444427995,
        "card": [MODEL_CARD, 1],
    }
    let_call(scripted, family, stream, arguments)
    body = body_of(family, "m", "Go on.", stream=stream)
    assert call_of(post(http, whole, whole_key, body, family=family), family, stream) == arguments
    masked = call_of(post(http, strict, strict_key, body, family=family), family, stream)
    assert masked["card"] == ["<REDACTED_CREDIT_CARD>", 1]
    assert masked["host"] == "<REDACTED_IP_ADDRESS>"


TEXTS = (
    '{"total_bytes": 6444427995, "cards": [4012888888881881, 1], "to": "10.0.0.1"}',
    'Here:\n```json\n{"card": 4012888888881881}\n```\nDone, 10.0.0.0/16.',
    f"A card: {MODEL_CARD}, a network: 10.0.0.0/16, a total: 6444427995.",
    "[4012888888881881,4155550132]",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_of_any_chunking_is_the_whole_and_json_stays_json(
    whole: GatewayProcess,
    whole_key: str,
    strict: GatewayProcess,
    strict_key: str,
    scripted: ScriptedProvider,
    http: httpx.Client,
    text: str,
) -> None:
    for gateway, key in ((whole, whole_key), (strict, strict_key)):
        scripted.say(completion({"content": text}))
        answer = post(http, gateway, key, body_of("openai", "m", "Go on."))
        said = answer.json()["choices"][0]["message"]["content"]
        assert "881881" not in said
        if text.startswith(("{", "[")):
            json.loads(said)
        for size in (1, 7, 64):
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            scripted.stream(*(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"))
            streamed = post(http, gateway, key, body_of("openai", "m", "Go on.", stream=True))
            assert streamed_text(streamed.text) == said


def thinking(answer: httpx.Response) -> tuple[str, str]:
    """The words of the block of thinking in a stream, and their signature."""
    deltas = [e["delta"] for e in events(answer.text) if e["type"] == "content_block_delta"]
    words = "".join(delta.get("thinking", "") for delta in deltas)
    return words, "".join(delta.get("signature", "") for delta in deltas)


WORDS = f"They gave a card, maybe {MODEL_CARD}, and a network, 10.0.0.0/16. So I answer."


def let_think(scripted: ScriptedProvider, stream: bool, words: str) -> None:
    if not stream:
        block = {"type": "thinking", "thinking": words, "signature": SEALED}
        scripted.say(message(block, {"type": "text", "text": "Done."}))
        return
    pieces = [{"type": "thinking_delta", "thinking": words[at : at + 9]} for at in range(0, len(words), 9)]
    signed = [*pieces, {"type": "signature_delta", "signature": SEALED}]
    text = {"type": "text", "text": "", "deltas": [{"type": "text_delta", "text": "Done."}]}
    block = {"type": "thinking", "thinking": "", "signature": "", "deltas": signed}
    scripted.stream(*message_events(block, text))


@pytest.mark.parametrize("stream", [True, False])
def test_signed_words_go_down_untouched_and_up_again_as_they_were(
    whole: GatewayProcess, whole_key: str, scripted: ScriptedProvider, http: httpx.Client, stream: bool
) -> None:
    let_think(scripted, stream, WORDS)
    first = body_of("anthropic", "m", f"Think, {stream}.", stream=stream)
    answer = post(http, whole, whole_key, first, family="anthropic")
    if stream:
        assert thinking(answer) == (WORDS, SEALED)
    else:
        assert answer.json()["content"][0] == {"type": "thinking", "thinking": WORDS, "signature": SEALED}

    block = {"type": "thinking", "thinking": WORDS, "signature": SEALED}
    done = {"role": "assistant", "content": [block, {"type": "text", "text": "Done."}]}
    more = [*first["messages"], done, {"role": "user", "content": "And now?"}]
    scripted.say(message({"type": "text", "text": "Yes."}))
    post(http, whole, whole_key, {**first, "stream": False, "messages": more}, family="anthropic")
    assert json.loads(scripted.received[-1])["messages"][1]["content"][0] == block


def test_signed_words_that_the_provider_never_said_are_left_out_with_their_block(
    whole: GatewayProcess, whole_key: str, scripted: ScriptedProvider, http: httpx.Client
) -> None:
    block = {"type": "thinking", "thinking": f"The card is {CARD}.", "signature": SEALED}
    done = {"role": "assistant", "content": [block, {"type": "text", "text": "Done."}]}
    first = body_of("anthropic", "m", "Think of a forged block.")
    scripted.say(message({"type": "text", "text": "Yes."}))
    messages = [*first["messages"], done, {"role": "user", "content": "And now?"}]
    answer = post(http, whole, whole_key, {**first, "messages": messages}, family="anthropic")
    assert answer.status_code == 200
    assert json.loads(scripted.received[-1])["messages"][1]["content"] == [{"type": "text", "text": "Done."}]


@pytest.mark.parametrize("stream", [True, False])
def test_signed_words_that_policy_forbids_are_never_edited(
    strict: GatewayProcess, strict_key: str, scripted: ScriptedProvider, http: httpx.Client, stream: bool
) -> None:
    let_think(scripted, stream, WORDS)
    first = body_of("anthropic", "m", "Think.", stream=stream)
    answer = post(http, strict, strict_key, first, family="anthropic")
    assert answer.status_code == 200
    assert "Done." in answer.text
    assert MODEL_CARD not in answer.text
    assert SEALED not in answer.text
    if not stream:
        assert [block["type"] for block in answer.json()["content"]] == ["text"]
        return
    words, signature = thinking(answer)
    assert WORDS.startswith(words)

    block = {"type": "thinking", "thinking": words, "signature": signature}
    done = {"role": "assistant", "content": [block, {"type": "text", "text": "Done."}]}
    more = [*first["messages"], done, {"role": "user", "content": "And now?"}]
    scripted.say(message({"type": "text", "text": "Yes."}))
    post(http, strict, strict_key, {**first, "stream": False, "messages": more}, family="anthropic")
    assert json.loads(scripted.received[-1])["messages"][1]["content"] == [{"type": "text", "text": "Done."}]
