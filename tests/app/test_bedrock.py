"""Unmodified clients of Amazon Bedrock finish their tasks; it gets signed requests without a value."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import anthropic
import boto3
import pytest
import pytest_asyncio
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EventStreamError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE, exception
from gateway.dialects.reading.stream import json_event
from tests.support.application import Running, opener
from tests.support.served import served
from tests.support.tls import behind_tls, certificate

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "anthropic.claude-sonnet-5-20260801-v1:0"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-v1:0"
ADDRESS, NUMBER = "ana.ferreira@example.com", "536-22-8743"
TASK = f"Look {ADDRESS} up, then tell me what you found about {NUMBER}."
KEYS = {"AWS_TEST_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_TEST_SECRET": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
PLACEHOLDER = re.compile(r"<(?:EMAIL_ADDRESS|US_SSN)_\w+>")
SCHEMA = {"type": "object", "properties": {"who": {"type": "string"}}}


class Aws:
    """Speaks as Bedrock does, in turns: first it calls the tool, then it says what it was told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.tool = "lookup"
        self.fails = self.repeats = False

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        raw = request.scope["raw_path"].decode()
        self.got.append((raw, dict(request.headers), body))
        signed = AWSRequest(
            "POST", f"http://{request.headers['host']}{raw}", self._signed_headers(request), body
        )
        assert _signature(signed, request.headers["x-amz-date"]) == request.headers["authorization"]
        asked = json.loads(body)
        if self.repeats:  # as AWS says what a signature should have been made of
            told = (
                f"The canonical string was:\nx-amz-security-token:{request.headers['x-amz-security-token']}"
            )
            return Response(json.dumps({"message": told}), 403, {"x-amzn-errortype": "SignatureDoesNotMatch"})
        if raw.endswith("count-tokens"):
            return Response(json.dumps({"inputTokens": 12}), media_type="application/json")
        last = asked["messages"][-1]["content"]
        result = json.dumps(last) if isinstance(last, list) and "oolu" in json.dumps(last) else ""
        values = PLACEHOLDER.findall(body.decode())
        text = f"I know of {result or values[0]}"
        if "converse" in raw:
            return self._converse(text, values, done=bool(result), streams=raw.endswith("stream"))
        return self._message(text, values, done=bool(result), streams=raw.endswith("stream"))

    def _signed_headers(self, request: Request) -> dict[str, str]:
        names = re.search("SignedHeaders=([^,]+)", request.headers["authorization"])[1]  # type: ignore[index]
        return {name: request.headers[name] for name in names.split(";") if name != "host"}

    def _converse(self, text: str, values: list[str], *, done: bool, streams: bool) -> Response:
        call = {"toolUseId": "tooluse_1", "name": self.tool}
        usage = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
        if not streams:
            use = [] if done else [{"toolUse": {**call, "input": {"who": values[0]}}}]
            message = {"role": "assistant", "content": [{"text": text}, *use]}
            reason = "end_turn" if done else "tool_use"
            said = {
                "output": {"message": message},
                "stopReason": reason,
                "usage": usage,
                "metrics": {"latencyMs": 9},
            }
            return Response(json.dumps(said), media_type="application/json")
        events: list[tuple[str, Any]] = [("messageStart", {"role": "assistant", "p": "abc"})]
        events += [
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}, "p": "ab"})
            for piece in re.findall("(?s).{1,3}", text)
        ]
        events.append(("contentBlockStop", {"contentBlockIndex": 0}))
        if not done:
            raw = json.dumps({"who": values[0]})
            events += [
                ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": call}}),
                ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": raw[:9]}}}),
                ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": raw[9:]}}}),
                ("contentBlockStop", {"contentBlockIndex": 1}),
            ]
        events += [
            ("messageStop", {"stopReason": "end_turn" if done else "tool_use"}),
            ("metadata", {"usage": usage, "metrics": {"latencyMs": 9}}),
        ]
        encoder = FRAMES.encoder()
        frames = [encoder.encode(json_event(document, name)) for name, document in events]
        if self.fails:
            frames[4:] = [
                encoder.encode(exception("throttlingException", {"message": f"slowly, {values[0]}"}))
            ]
        return StreamingResponse(_each(frames), media_type=MEDIA_TYPE)

    def _message(self, text: str, values: list[str], *, done: bool, streams: bool) -> Response:
        head = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "stop_sequence": None,
        }
        use = {"type": "tool_use", "id": "toolu_1", "name": self.tool, "input": {"who": values[0]}}
        usage = {"input_tokens": 5, "output_tokens": 7}
        reason = "end_turn" if done else "tool_use"
        if not streams:
            content = [{"type": "text", "text": text}, *([] if done else [use])]
            said = {**head, "content": content, "stop_reason": reason, "usage": usage}
            return Response(json.dumps(said), media_type="application/json")
        start = {**head, "content": [], "stop_reason": None, "usage": usage}
        events: list[Any] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in re.findall("(?s).{1,3}", text)
            ),
            {"type": "content_block_stop", "index": 0},
        ]
        if not done:
            delta = {"type": "input_json_delta", "partial_json": json.dumps(use["input"])}
            events += [
                {"type": "content_block_start", "index": 1, "content_block": {**use, "input": {}}},
                {"type": "content_block_delta", "index": 1, "delta": delta},
                {"type": "content_block_stop", "index": 1},
            ]
        metrics = {"inputTokenCount": 5, "outputTokenCount": 7, "invocationLatency": 1234567890}
        events += [
            {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
            {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics},
        ]
        encoder = CHUNKS.encoder()
        return StreamingResponse(
            _each([encoder.encode(json_event(one)) for one in events]), media_type=MEDIA_TYPE
        )


async def _each(frames: list[bytes]) -> AsyncIterator[bytes]:
    for one in frames:
        yield one


def _signature(request: AWSRequest, at: str) -> str:
    """Return what botocore signs a request with."""
    request.context["timestamp"] = at
    signer = SigV4Auth(Credentials(*KEYS.values(), TOKEN), "bedrock", "eu-central-1")
    signer._inject_signature_to_request(
        request, signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    )
    return str(request.headers["Authorization"])


@pytest.fixture(scope="module")
def aws() -> Aws:
    return Aws()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bedrock")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(aws: Aws, folder: Path) -> AsyncIterator[tuple[str, Running]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        (folder / "token").write_text(TOKEN)
        keys = {
            "access_key": "env:AWS_TEST_ID",
            "secret_key": "env:AWS_TEST_SECRET",
            "session_token": f"file:{folder / 'token'}",
            "region": "eu-central-1",
        }
        app = Starlette(routes=[Route("/{rest:path}", aws.answer, methods=["POST"])])
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(served(app))
            providers = {"bedrock": {"family": "bedrock", "base_url": url, "aws": keys}}
            running = await stack.enter_async_context(opener(folder)(providers=providers))
            yield await stack.enter_async_context(served(running.app)), running


@pytest.fixture(autouse=True)
def _fresh(aws: Aws) -> Iterator[None]:
    aws.got, aws.tool, aws.fails, aws.repeats = [], "lookup", False, False
    yield
    sent = "".join(body.decode() + str(headers) for _, headers, body in aws.got)
    assert ADDRESS not in sent
    assert NUMBER not in sent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(gateway: tuple[str, Running], folder: Path) -> AsyncIterator[Any]:
    """boto3 as people set it up: it sends a token over TLS only."""
    url, running = gateway
    pem, secret = await asyncio.to_thread(certificate, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_BEARER_TOKEN_BEDROCK", running.key)
        async with behind_tls(url, pem, secret) as tls:
            made = await asyncio.to_thread(_client, f"{tls}/bedrock", verify=str(pem))
            yield made
            made.close()


def _client(url: str, **more: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    session = boto3.Session(region_name="eu-central-1")
    return session.client("bedrock-runtime", endpoint_url=url, config=config, **more)


def _converse(client: Any, model: str, *, streams: bool) -> str:
    """Finish the task as an agent does, and return the last text."""
    tools = {"tools": [{"toolSpec": {"name": "lookup", "inputSchema": {"json": SCHEMA}}}]}
    messages: list[Any] = [{"role": "user", "content": [{"text": TASK}]}]
    while True:
        asked = {"modelId": model, "messages": messages, "toolConfig": tools}
        if streams:
            with closing(client.converse_stream(**asked)["stream"]) as events:
                content, reason = _heard(events)
        else:
            answer = client.converse(**asked)
            content, reason = answer["output"]["message"]["content"], answer["stopReason"]
            assert answer["usage"]["totalTokens"] == 12
        if reason != "tool_use":
            return str(content[0]["text"])
        messages.append({"role": "assistant", "content": content})
        use = next(one["toolUse"] for one in content if "toolUse" in one)
        assert use["input"] == {"who": ADDRESS}
        result = {"toolUseId": use["toolUseId"], "content": [{"text": f"{ADDRESS} has {NUMBER}"}]}
        messages.append({"role": "user", "content": [{"toolResult": result}]})


def _heard(events: Any) -> tuple[list[Any], str]:
    """Put a stream together."""
    content: dict[int, Any] = {}
    reason = ""
    for event in events:
        (kind, said), *_ = event.items()
        if kind == "contentBlockStart":
            content[said["contentBlockIndex"]] = {"toolUse": {**said["start"]["toolUse"], "input": ""}}
        elif kind == "contentBlockDelta" and "text" in said["delta"]:
            block = content.setdefault(said["contentBlockIndex"], {"text": ""})
            block["text"] += said["delta"]["text"]
        elif kind == "contentBlockDelta":
            content[said["contentBlockIndex"]]["toolUse"]["input"] += said["delta"]["toolUse"]["input"]
        elif kind == "messageStop":
            reason = said["stopReason"]
    for block in content.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return [content[index] for index in sorted(content)], reason


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", [MODEL, PROFILE], ids=["model", "profile"])
async def test_boto3_finishes_a_task_with_tools(aws: Aws, client: Any, model: str, streams: bool) -> None:
    said = await asyncio.to_thread(_converse, client, model, streams=streams)
    assert ADDRESS in said
    assert NUMBER in said
    assert len(aws.got) == 2
    assert not any("Bearer" in headers["authorization"] for _, headers, _ in aws.got)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("signs", [False, True], ids=["bearer", "signature"])
async def test_the_sdk_of_anthropic_finishes_a_task_with_tools(
    gateway: tuple[str, Running], signs: bool, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key as a bearer token; and where it signs itself, with the key in a header beside that."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    url, running = gateway
    own: dict[str, Any] = (
        {"aws_access_key": "AKIDX", "aws_secret_key": "s", "default_headers": {"x-api-key": running.key}}
        if signs
        else {"api_key": running.key}
    )
    client = anthropic.AsyncAnthropicBedrock(
        base_url=f"{url}/bedrock", aws_region="eu-central-1", max_retries=0, **own
    )
    messages: list[Any] = [{"role": "user", "content": TASK}]
    asked: dict[str, Any] = {
        "model": MODEL,
        "max_tokens": 64,
        "tools": [{"name": "lookup", "input_schema": SCHEMA}],
    }
    async with client:
        while True:
            if streams:
                async with client.messages.stream(**asked, messages=messages) as events:
                    message: Any = await events.get_final_message()
            else:
                message = await client.messages.create(**asked, messages=messages)
            if message.stop_reason != "tool_use":
                break
            use = message.content[1]
            assert use.input == {"who": ADDRESS}
            messages.append({"role": "assistant", "content": [one.to_dict() for one in message.content]})
            result = {"type": "tool_result", "tool_use_id": use.id, "content": f"{ADDRESS} has {NUMBER}"}
            messages.append({"role": "user", "content": [result]})
    assert ADDRESS in message.content[0].text
    assert NUMBER in message.content[0].text


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
async def test_a_call_that_policy_denies_does_not_come_down(aws: Aws, client: Any, streams: bool) -> None:
    aws.tool = "drop_database"
    if streams:
        with pytest.raises(EventStreamError) as refused:
            await asyncio.to_thread(_converse, client, MODEL, streams=True)
        assert refused.value.response["Error"]["Code"] == "validationException"
    else:
        with pytest.raises(ClientError) as denied:
            await asyncio.to_thread(_converse, client, MODEL, streams=False)
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "drop_database" in denied.value.response["Error"]["Message"]


async def test_an_exception_of_the_provider_comes_as_one(aws: Aws, client: Any) -> None:
    aws.fails = True
    with pytest.raises(EventStreamError) as failed:
        await asyncio.to_thread(_converse, client, MODEL, streams=True)
    assert failed.value.response["Error"]["Code"] == "throttlingException"
    assert "slowly" in failed.value.response["Error"]["Message"]


async def test_invoke_model_of_boto3_names_no_type_and_is_read(aws: Aws, client: Any) -> None:
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9}
    body |= {"messages": [{"role": "user", "content": f"I am {ADDRESS}"}]}
    answer = await asyncio.to_thread(client.invoke_model, modelId=MODEL, body=json.dumps(body))
    with closing(answer["body"]) as said:
        assert ADDRESS in json.loads(said.read())["content"][0]["text"]
    assert aws.got[0][1]["content-type"] == "application/json"


async def test_tokens_are_counted(aws: Aws, client: Any) -> None:
    said = {"messages": [{"role": "user", "content": [{"text": f"I am {ADDRESS}"}]}]}
    counted = await asyncio.to_thread(client.count_tokens, modelId=MODEL, input={"converse": said})
    assert counted["inputTokens"] == 12
    body = json.dumps({"anthropic_version": "x", "messages": [{"role": "user", "content": ADDRESS}]})
    with pytest.raises(ClientError):  # base64 cannot be masked
        await asyncio.to_thread(client.count_tokens, modelId=MODEL, input={"invokeModel": {"body": body}})
    assert len(aws.got) == 1


async def test_boto3_signs_and_sends_its_key_beside(
    gateway: tuple[str, Running], aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    url, running = gateway
    client = await asyncio.to_thread(
        _client, f"{url}/bedrock", aws_access_key_id="AKIDX", aws_secret_access_key="s"
    )
    client.meta.events.register(
        "before-sign.bedrock-runtime",
        lambda request, **_: request.headers.add_header("x-api-key", running.key),
    )
    assert ADDRESS in await asyncio.to_thread(_converse, client, MODEL, streams=True)
    assert not any("AKIDX" in str(headers) for _, headers, _ in aws.got)
    client.close()


async def test_a_signature_alone_names_no_agent(gateway: tuple[str, Running]) -> None:
    _, running = gateway
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"}
    answer = await running.http.post("/bedrock/model/m/converse", json={"messages": []}, headers=signed)
    assert answer.status_code == 401
    assert "AWS_BEARER_TOKEN_BEDROCK" in answer.text


async def test_neither_keys_nor_token_are_kept_anywhere(folder: Path, aws: Aws, client: Any) -> None:
    await asyncio.to_thread(_converse, client, MODEL, streams=False)
    assert all(headers["x-amz-security-token"] == TOKEN for _, headers, _ in aws.got)
    kept = await asyncio.to_thread(_kept, folder)
    assert b"converse" in kept
    assert not any(secret.encode() in kept for secret in (KEYS["AWS_TEST_SECRET"], TOKEN))


def _kept(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file() and one.name != "token")


async def test_an_error_that_repeats_the_token_comes_down_without_it(aws: Aws, client: Any) -> None:
    aws.repeats = True
    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(_converse, client, MODEL, streams=False)
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert "canonical string" in refused.value.response["Error"]["Message"]
    assert TOKEN not in str(refused.value.response)
