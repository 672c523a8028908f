"""Whichever door a prompt takes, its values stay behind, come back, and tool calls are judged: real SDKs."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.support.configuration import any_engine, configuration
from tests.support.gateway import GatewayProcess
from tests.support.scripted import PLACEHOLDER, ScriptedProvider, completion
from tests.support.values import EMAIL

SAID = f"write to {EMAIL}"
ANSWER = f"I wrote to {PLACEHOLDER}."
HEARD = f"I wrote to {EMAIL}."
VECTOR = [0.0023064255, -0.009327292] * 8
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


@pytest.fixture(scope="module")
def doors(scripted: ScriptedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the shipped policy and a provider for each family."""
    google = {"family": "gemini", "base_url": scripted.url, "credential": "env:UPSTREAM_KEY"}
    azure = {**google, "family": "openai", "credential_header": "api-key"}
    config = configuration(scripted.url, engine=any_engine(), providers={"gemini": google, "azure": azure})
    process = GatewayProcess(tmp_path_factory.mktemp("doors"), config).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def agent(doors: GatewayProcess) -> str:
    return doors.create_key("agent-one", "ana", group="default")


@pytest.fixture
def client(doors: GatewayProcess, agent: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{doors.url}/openai/v1", api_key=agent, max_retries=0) as made:
        yield made


@pytest.fixture
def google(doors: GatewayProcess, agent: str) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{doors.url}/gemini")
    with genai.Client(api_key=agent, http_options=options) as made:
        yield made


def assert_clean(scripted: ScriptedProvider) -> None:
    (body,) = scripted.received
    assert EMAIL.encode() not in body
    assert b"<EMAIL_ADDRESS_" in body


def test_embeddings(client: openai.OpenAI, scripted: ScriptedProvider) -> None:
    packed = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    data = [{"object": "embedding", "index": 0, "embedding": packed}]
    scripted.say({"object": "list", "data": data, "model": "m", "usage": USAGE})
    answer = client.embeddings.create(model="m", input=[SAID])
    assert_clean(scripted)
    assert answer.data[0].embedding == pytest.approx(VECTOR)


@pytest.mark.parametrize("count", [1, 100])
def test_vectors_of_full_size_pass_as_they_are(
    client: openai.OpenAI, scripted: ScriptedProvider, count: int
) -> None:
    vector = [round(0.0001 * number, 10) + 1e-13 for number in range(3072)]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    scripted.say({"object": "list", "data": data, "model": "m", "usage": USAGE})
    answer = client.embeddings.create(model="m", input=[[1, 2, 3]] * count, encoding_format="float")
    assert [one.embedding for one in answer.data] == [vector] * count


def test_completions(client: openai.OpenAI, scripted: ScriptedProvider) -> None:
    choice = {"index": 0, "text": ANSWER, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    scripted.say({**head, "choices": [choice], "usage": USAGE})
    assert client.completions.create(model="m", prompt=SAID).choices[0].text == HEARD
    assert_clean(scripted)
    pieces = [("I wrote to ", None), (PLACEHOLDER, None), (".", None), ("", "stop")]
    scripted.stream(
        *({**head, "choices": [{"index": 0, "text": text, "finish_reason": end}]} for text, end in pieces)
    )
    chunks = client.completions.create(model="m", prompt=SAID, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == HEARD
    assert_clean(scripted)


def test_moderations(client: openai.OpenAI, scripted: ScriptedProvider) -> None:
    result = {
        "flagged": True,
        "categories": {"hate/threatening": True},
        "category_scores": {"hate/threatening": 0.91234567},
    }
    scripted.say({"id": "modr-1", "model": "m", "results": [result]})
    assert client.moderations.create(input=SAID).results[0].flagged
    assert_clean(scripted)


def test_speech(client: openai.OpenAI, scripted: ScriptedProvider) -> None:
    sound = b"ID3" + bytes(range(256)) * 40
    scripted.raw("audio/mpeg", sound[:99], sound[99:])
    answer = client.audio.speech.create(model="m", voice="alloy", input=SAID)
    assert (answer.read(), answer.response.headers["content-type"]) == (sound, "audio/mpeg")
    assert_clean(scripted)
    scripted.raw("audio/mpeg", b"call 4111 1111 1111 1111")
    with pytest.raises(openai.PermissionDeniedError):
        client.audio.speech.create(model="m", voice="alloy", input=SAID)


def test_images(client: openai.OpenAI, scripted: ScriptedProvider) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()
    scripted.say({"created": 1, "data": [{"b64_json": picture, "revised_prompt": ANSWER}], "usage": USAGE})
    image = client.images.generate(model="m", prompt=SAID).data[0]
    assert (image.b64_json, image.revised_prompt) == (picture, HEARD)
    assert_clean(scripted)


def test_count_tokens(doors: GatewayProcess, agent: str, scripted: ScriptedProvider) -> None:
    scripted.say({"input_tokens": 1234567})
    with anthropic.Anthropic(base_url=f"{doors.url}/anthropic", api_key=agent, max_retries=0) as made:
        count = made.messages.count_tokens(model="m", messages=[{"role": "user", "content": SAID}])
    assert count.input_tokens == 1234567
    assert_clean(scripted)


def test_azure(doors: GatewayProcess, agent: str, scripted: ScriptedProvider) -> None:
    scripted.say(completion({"content": ANSWER}))
    with openai.AzureOpenAI(
        azure_endpoint=f"{doors.url}/azure", api_key=agent, api_version="2024-10-21", max_retries=0
    ) as made:
        said = made.chat.completions.create(model="d", messages=[{"role": "user", "content": SAID}])
    assert said.choices[0].message.content == HEARD
    assert_clean(scripted)


def candidate(*parts: dict[str, Any], finish: str = "STOP") -> dict[str, Any]:
    one: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [one | ({"finishReason": finish} if finish else {})], "modelVersion": "m"}


def test_gemini(google: genai.Client, scripted: ScriptedProvider) -> None:
    scripted.say(candidate({"text": ANSWER}))
    assert google.models.generate_content(model="g", contents=SAID).text == HEARD
    assert_clean(scripted)
    scripted.say({"totalTokens": 1234567})
    assert google.models.count_tokens(model="g", contents=SAID).total_tokens == 1234567
    assert_clean(scripted)


def events(*documents: dict[str, Any]) -> list[bytes]:
    return [f"data: {json.dumps(one)}\r\n\r\n".encode() for one in documents]


def test_gemini_streams(google: genai.Client, scripted: ScriptedProvider) -> None:
    pieces = [candidate({"text": piece}, finish="") for piece in ("I wrote ", f"to {PLACEHOLDER}", ".")]
    scripted.raw("text/event-stream", *events(*pieces, candidate({"text": ""})))
    chunks = google.models.generate_content_stream(model="g", contents=SAID)
    assert "".join(chunk.text or "" for chunk in chunks) == HEARD
    assert_clean(scripted)


def test_gemini_streams_as_one_array(doors: GatewayProcess, agent: str, scripted: ScriptedProvider) -> None:
    pieces = [candidate({"text": piece}, finish="") for piece in ("I wrote ", f"to {PLACEHOLDER}", ".")]
    body = json.dumps([*pieces, candidate({"text": ""})], indent=2).encode()
    scripted.raw("application/json", body[:40], body[40:])
    answer = httpx.post(
        f"{doors.url}/gemini/v1beta/models/g:streamGenerateContent",
        headers={"x-goog-api-key": agent},
        json={"contents": [{"parts": [{"text": SAID}]}]},
        timeout=60,
    )
    assert answer.headers["content-type"] == "application/json"
    parts = [part for one in answer.json() for part in one["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == HEARD
    assert_clean(scripted)


CALL = {"functionCall": {"name": "drop_database", "args": {"name": "users"}}}


def test_gemini_calls_are_judged(google: genai.Client, scripted: ScriptedProvider) -> None:
    scripted.say(candidate(CALL))
    with pytest.raises(errors.APIError) as refused:
        google.models.generate_content(model="g", contents="hello")
    assert (refused.value.code, refused.value.status) == (403, "PERMISSION_DENIED")
    assert refused.value.details["error"]["details"][0]["reason"] == "policy_denied"
    scripted.raw("text/event-stream", *events(candidate({"text": "well "}, finish=""), candidate(CALL)))
    with pytest.raises(errors.APIError) as ended:
        list(google.models.generate_content_stream(model="g", contents="hello"))
    assert "drop_database" not in str(ended.value.details.get("candidates", ""))
    scripted.say(candidate({"functionCall": {"name": "send", "args": {"to": PLACEHOLDER}}}))
    call = google.models.generate_content(model="g", contents=SAID).function_calls[0]
    assert (call.name, call.args) == ("send", {"to": EMAIL})


def test_a_tool_call_hides_in_no_other_body(
    doors: GatewayProcess, agent: str, scripted: ScriptedProvider
) -> None:
    scripted.say({"data": [{"choices": [{"message": {"tool_calls": [{"function": {"name": "f"}}]}}]}]})
    answer = httpx.post(
        f"{doors.url}/openai/v1/embeddings",
        headers={"x-api-key": agent},
        json={"model": "m", "input": "hello"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreadable")
