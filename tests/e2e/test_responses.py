"""The Responses API through a real gateway with the real OpenAI SDK: whole, streamed, parsed and stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.support.fake_provider import FakeProvider
from tests.support.gateway import GatewayProcess
from tests.support.values import EMAIL, MODEL_CARD, MODEL_EMAIL

TOOLS: Any = [{"type": "function", "name": "send_note", "parameters": {"type": "object"}, "strict": False}]


@pytest.fixture
def client(gateway: GatewayProcess, key: str, provider: FakeProvider) -> Iterator[openai.OpenAI]:
    base = f"{gateway.url}/openai/v1"
    with openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=60) as client:
        yield client


def dropping(name: str = "drop_database") -> Any:
    return [{"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}]


def test_a_value_is_masked_on_its_way_and_comes_back(client: openai.OpenAI, provider: FakeProvider) -> None:
    said = f"write to {EMAIL} today"
    answer = client.responses.create(model="echo", instructions="Be brief.", input=said)
    sent = provider.only().json()
    assert EMAIL not in json.dumps(sent)
    assert sent["input"].startswith("write to <EMAIL_ADDRESS_")
    assert answer.output_text == f"Be brief.\n{said}"
    assert answer.status == "completed"
    assert answer.usage is not None


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_a_stream_says_everywhere_what_the_whole_response_says(client: openai.OpenAI, chunk: int) -> None:
    said = f"write to {EMAIL} today"
    kinds, texts = [], {"": ""}
    with client.responses.stream(
        model=f"echo,chunk={chunk}", input=[{"role": "user", "content": said}]
    ) as stream:
        for event in stream:
            kinds.append(event.type)
            if event.type == "response.output_text.delta":
                texts[""] += event.delta
            elif event.type == "response.output_text.done":
                texts["done"] = event.text
            elif event.type == "response.content_part.done":
                texts["part"] = getattr(event.part, "text", "")
            elif event.type == "response.output_item.done" and event.item.type == "message":
                texts["item"] = event.item.content[0].text
        whole = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert set(texts.values()) == {whole.output_text} == {said}


def test_what_the_model_brings_is_redacted_alike_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="new-pii", input="hello")
    with client.responses.stream(model="new-pii,chunk=2", input="hello") as stream:
        raw = "".join(map(repr, stream))
        streamed = stream.get_final_response()
    assert MODEL_CARD not in repr(whole) + repr(streamed) + raw
    assert streamed.output_text == whole.output_text
    assert whole.output_text == f"Ask {MODEL_EMAIL} , and pay with <REDACTED_CREDIT_CARD> today."


@pytest.mark.parametrize("model", ["echo-call", "echo-call,chunk=3"])
def test_a_call_comes_whole_with_its_values(client: openai.OpenAI, model: str) -> None:
    said = f'write to "{EMAIL}"'
    whole = client.responses.create(model=model, input=said, tools=TOOLS)
    with client.responses.stream(model=model, input=said, tools=TOOLS) as stream:
        deltas = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        streamed = stream.get_final_response()
    for response in (whole, streamed):
        (call,) = [item for item in response.output if item.type == "function_call"]
        assert call.name == "send_note"
        assert json.loads(call.arguments)["text"] == said
    assert [json.loads(delta)["text"] for delta in deltas] == [said]


def heard(answer: Any) -> str:
    """Everything that comes of an answer, whole or streamed."""
    return repr(answer) if isinstance(answer, Response) else "".join(map(repr, answer))


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_on_the_deny_list_never_arrives(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.APIError) as refused:
        heard(client.responses.create(model="call", input="x", tools=dropping(), stream=stream))
    assert refused.value.code == "policy_denied"


def test_nothing_of_a_denied_call_has_streamed_before(gateway: GatewayProcess, key: str) -> None:
    answer = httpx.post(
        f"{gateway.url}/openai/v1/responses",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "calls,chunk=2", "input": "x", "stream": True, "tools": dropping()},
    )
    data = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "".join(one.get("delta", "") for one in data).startswith("Let me think.Let ")
    assert "step" not in answer.text
    assert (data[-1]["type"], data[-1]["error"]["code"]) == ("error", "policy_denied")


def test_an_answer_can_be_parsed(client: openai.OpenAI) -> None:
    class Person(BaseModel):
        mail: str

    said = json.dumps({"mail": EMAIL})
    answer = client.responses.parse(model="echo", input=said, text_format=Person)
    assert answer.output_parsed == Person(mail=EMAIL)


@pytest.mark.parametrize("path", ["resp_echo", "resp_echo/input_items"])
def test_a_stored_response_can_be_read(
    gateway: GatewayProcess, key: str, provider: FakeProvider, path: str
) -> None:
    answer = httpx.get(
        f"{gateway.url}/openai/v1/responses/{path}", headers={"authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.text
    assert "stored" in answer.text
    assert (provider.only().method, provider.only().body) == ("GET", b"")


def test_what_is_stored_is_governed_like_what_is_new(
    client: openai.OpenAI, provider: FakeProvider, gateway: GatewayProcess
) -> None:
    assert client.responses.retrieve("resp_echo").output_text == "stored"
    assert MODEL_CARD not in client.responses.retrieve("resp_new-pii").to_json()
    with client.responses.retrieve("resp_echo", stream=True) as events:
        assert [*events][-1].type == "response.completed"
    assert client.responses.cancel("resp_echo").status == "cancelled"
    assert [one.method for one in provider.received()] == ["GET", "GET", "GET", "POST"]
    assert [one.header("content-type") for one in provider.received()] == [None] * 4


def test_a_call_in_a_stored_response_is_decided(client: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.APIError) as refused:
            heard(client.responses.retrieve("resp_denied-call", stream=stream))
        assert refused.value.code == "policy_denied"


def test_the_built_in_demo_provider_speaks_it(gateway: GatewayProcess, key: str) -> None:
    base = f"{gateway.url}/demo/v1"
    with openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=60) as client:
        said = f"hello, {EMAIL}"
        assert client.responses.create(model="demo", input=said).output_text == f"You said: {said}"
        with client.responses.stream(model="demo", input=said) as stream:
            assert stream.get_final_response().output_text == f"You said: {said}"


def test_a_web_socket_is_refused_in_plain_words(gateway: GatewayProcess, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "connection": "Upgrade", "upgrade": "websocket"}
    headers |= {"sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
    answer = httpx.get(f"{gateway.url}/openai/v1/responses", headers=headers)
    assert answer.status_code == 426
    assert answer.json()["error"]["code"] == "websocket_unsupported"
    assert answer.headers["upgrade"] == "HTTP/1.1"
    closing = gateway.closing(answer.headers["x-regate-exchange-id"])
    assert (closing["kind"], closing["code"]) == ("refusal", "websocket_unsupported")
