"""The unmodified SDKs send files, recordings, pictures and batches, and read what comes of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from gateway.contract import Decision
from gateway.dialects.reading.multipart import FormPart, boundary_of, split
from gateway.policy import Policies
from gateway.upstream.client import UpstreamRequest, UpstreamResponse
from gateway.upstream.demo import DemoTransport
from tests.support.application import Opened, Running
from tests.support.configuration import policy_copy
from tests.support.values import API_KEY, EMAIL, INJECTION

PROVIDERS = {"claude": {"family": "anthropic", "base_url": "builtin:demo"}}
WAV = b"RIFF\1\0\0\0WAVEfmt " + bytes(range(256))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CHAT = "/v1/chat/completions"


@dataclass(slots=True)
class Reply:
    """What the provider answers."""

    body: bytes
    media_type: str = "application/json"
    status: int = 200

    @property
    def headers(self) -> dict[str, str]:
        return {"content-type": self.media_type}

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class Provider:
    """Answers each request with what a test says of it, and keeps the requests."""

    reply: Callable[[UpstreamRequest], Reply] = lambda _: Reply(b"{}")
    requests: list[UpstreamRequest] = field(default_factory=list)

    def say(self, document: Any, media_type: str = "application/json") -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.reply = lambda _: Reply(body, media_type)

    @property
    def parts(self) -> dict[str, FormPart]:
        """The parts of the last form."""
        request = self.requests[-1]
        return {part.name: part for part in split(request.body, boundary_of(request.headers["content-type"]))}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    fake = Provider()

    async def send(_: DemoTransport, request: UpstreamRequest) -> UpstreamResponse:
        fake.requests.append(request)
        return fake.reply(request)

    monkeypatch.setattr(DemoTransport, "send", send)
    return fake


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The shipped policy, which waits for no approver."""
    return policy_copy(tmp_path, {"approval": {"wait_seconds": 0.05}})


def sdk(running: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=running.key, base_url="http://regate/demo/v1", http_client=running.http, max_retries=0
    )


def line(number: int, text: str, **body: Any) -> str:
    messages = [{"role": "user", "content": text}]
    asked = {"custom_id": f"r-{number}", "method": "POST", "url": CHAT}
    return json.dumps({**asked, "body": {"model": "demo", "messages": messages, **body}})


async def test_a_batch_is_governed_line_by_line(opened: Opened, provider: Provider, policy: Path) -> None:
    provider.say({"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "b.jsonl"})
    async with opened(providers=PROVIDERS, policy=policy) as running:
        client = sdk(running)
        plain = f"{line(1, 'hello')}\n{line(2, 'again')}\n".encode()
        await client.files.create(file=("b.jsonl", plain), purpose="batch")
        assert provider.parts["file"].content == plain

        found = f"{line(1, 'hello')}\n{line(2, f'write to {EMAIL}')}\n".encode()
        await client.files.create(file=("b.jsonl", found), purpose="batch")
        first, second, end = provider.parts["file"].content.split(b"\n")
        assert (first, end) == (found.split(b"\n")[0], b"")
        assert EMAIL.encode() not in second
        assert json.loads(second)["body"]["messages"][0]["content"].startswith("write to <EMAIL_ADDRESS_")

        for bad in (b"hello", line(1, "x").replace(CHAT, "/v1/unknown").encode(), b'{"custom_id": "x"}'):
            with pytest.raises(openai.BadRequestError):
                await client.files.create(file=("b.jsonl", bad), purpose="batch")
        told = {"role": "tool", "tool_call_id": "c", "content": INJECTION}
        with pytest.raises(openai.PermissionDeniedError, match="approval"):
            await client.files.create(file=line(1, "x", messages=[told]).encode(), purpose="batch")
    assert len(provider.requests) == 2


async def test_every_model_and_tool_of_a_batch_is_asked_about(
    opened: Opened, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs: list[Mapping[str, Any]] = []
    decide = Policies.decide

    async def listen(self: Policies, policy_input: Mapping[str, Any]) -> Decision:
        inputs.append(policy_input)
        return await decide(self, policy_input)

    monkeypatch.setattr(Policies, "decide", listen)
    async with opened(providers=PROVIDERS) as running:
        tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
        lines = f"{line(1, 'a', model='m-1', tools=[tool])}\n{line(2, 'b', model='m-2')}"
        answer = await running.http.post(
            "/demo/v1/files",
            files={"file": ("b.jsonl", lines.encode())},
            data={"purpose": "batch"},
            headers={"authorization": f"Bearer {running.key}"},
        )
        assert answer.status_code == 200
    (asked,) = inputs
    assert asked["models"] == ["m-1", "m-2"]
    assert [one["name"] for one in asked["tools"]] == ["look"]


async def test_a_file_name_is_masked_and_comes_back(opened: Opened, provider: Provider) -> None:
    def stored(request: UpstreamRequest) -> Reply:
        (part,) = [
            one for one in split(request.body, boundary_of(request.headers["content-type"])) if one.filename
        ]
        return Reply(json.dumps({"id": "f", "object": "file", "filename": part.filename}).encode())

    provider.reply = stored
    async with opened(providers=PROVIDERS) as running:
        file = await sdk(running).files.create(file=(f"{EMAIL}.pdf", b"%PDF-\xff\0"), purpose="user_data")
    assert file.filename == f"{EMAIL}.pdf"
    assert EMAIL.encode() not in provider.requests[-1].body
    assert provider.parts["file"].content == b"%PDF-\xff\0"


async def test_results_of_a_batch_are_inspected_line_by_line(
    opened: Opened, provider: Provider, policy: Path
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "delete_all", "arguments": "{}"}}

    def result(**message: Any) -> str:
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        body = {"id": "x", "object": "chat.completion", "model": "demo", "choices": [choice]}
        return json.dumps(
            {"id": "r", "custom_id": "1", "response": {"status_code": 200, "body": body}, "error": None}
        )

    async with opened(providers=PROVIDERS, policy=policy) as running:
        client = sdk(running)
        plain = f"{result(content='hello')}\n{result(content=EMAIL)}\n".encode()
        provider.say(plain, "application/octet-stream")
        assert (await client.files.content("f")).content == plain

        provider.say(
            f"{result(content='hello')}\n{result(content='key ' + API_KEY)}\n".encode(), "application/jsonl"
        )
        got = (await client.files.content("f")).content.split(b"\n")
        assert got[0].decode() == result(content="hello")
        assert API_KEY.encode() not in got[1]
        assert json.loads(got[1])["custom_id"] == "1"

        provider.say(
            f"{result(content='hello')}\n{result(tool_calls=[call])}\n".encode(), "application/jsonl"
        )
        with pytest.raises(openai.PermissionDeniedError, match="approval"):
            await client.files.content("held")

        hidden = b'{"custom_id": "1", "response": {"body": {"tool_calls": [{"name": "f"}]}}}'
        for body in (hidden, b"words\n" + hidden):
            provider.say(body, "text/plain")
            with pytest.raises(openai.InternalServerError):
                await client.files.content("f")

        provider.say(PNG, "image/png")
        assert (await client.files.content("f")).content == PNG
        provider.say(b"notes\n", "text/plain")
        assert (await client.files.content("f")).text == "notes\n"


async def test_a_recording_goes_up_and_its_transcript_is_inspected(
    opened: Opened, provider: Provider
) -> None:
    async with opened(providers=PROVIDERS) as running:
        client = sdk(running)
        audio = client.audio.transcriptions
        provider.say({"text": "hello", "usage": {"input_tokens": 1, "output_tokens": 2, "type": "tokens"}})
        asked: dict[str, Any] = {"file": ("a.wav", WAV), "model": "whisper-1"}
        heard = await audio.create(**asked, prompt=f"of {EMAIL}", include=["logprobs"])
        assert heard.text == "hello"
        assert provider.parts["file"].content == WAV
        assert provider.parts["prompt"].content.startswith(b"of <EMAIL_ADDRESS_")

        def repeat(media_type: str, before: str = "") -> Callable[[UpstreamRequest], Reply]:
            return lambda _: Reply(before.encode() + provider.parts["prompt"].content, media_type)

        for media_type, form in (
            ("text/plain", "text"),
            ("application/x-subrip", "srt"),
            ("text/vtt", "vtt"),
        ):
            provider.reply = repeat(media_type, "1\n00:00 --> 00:01\n")
            said = await audio.create(**asked, prompt=f"of {EMAIL}", response_format=form)
            assert str(said).endswith(f"of {EMAIL}")
        provider.say(f"key {API_KEY}".encode(), "text/plain")
        assert API_KEY not in str(await audio.create(**asked, response_format="text"))

        def streamed(_: UpstreamRequest) -> Reply:
            text = provider.parts["prompt"].content.decode()
            events = [
                *(
                    {"type": "transcript.text.delta", "delta": piece}
                    for piece in (text[:9], text[9:], " sk-", API_KEY)
                ),
                {"type": "transcript.text.done", "text": f"{text} sk-{API_KEY}"},
            ]
            return Reply(
                "".join(f"data: {json.dumps(one)}\n\n" for one in events).encode(), "text/event-stream"
            )

        provider.reply = streamed
        stream = await audio.create(**asked, prompt=f"of {EMAIL}", stream=True)
        events = [event async for event in stream]
        assert (
            "".join(event.delta for event in events if event.type == "transcript.text.delta")
            == events[-1].text
        )
        assert events[-1].text.startswith(f"of {EMAIL} ")
        assert API_KEY not in events[-1].text

        with pytest.raises(openai.PermissionDeniedError, match="cannot be inspected"):
            await audio.create(file=("a.wav", b"\1\2\xff\xfe secrets"), model="whisper-1")


async def test_pictures_are_edited(opened: Opened, provider: Provider) -> None:
    provider.say({"created": 1, "data": [{"url": "https://x.example/a.png"}]})
    async with opened(providers=PROVIDERS) as running:
        images = sdk(running).images
        await images.edit(image=[PNG, PNG], mask=PNG, prompt="a cat", model="m", size="1024x1024", n=2)
        request = provider.requests[-1]
        assert request.body.count(PNG) == 3
        await images.edit(image=PNG, prompt=f"as {EMAIL}")
        assert EMAIL.encode() not in provider.requests[-1].body
        assert provider.parts["image"].content == PNG
        with pytest.deprecated_call():
            await images.create_variation(image=PNG)
        with pytest.raises(openai.PermissionDeniedError):
            await images.edit(image=PNG, prompt="x", size=EMAIL)


async def test_batches_are_made_of_files(opened: Opened, provider: Provider) -> None:
    provider.say(
        {"id": "b", "object": "batch", "endpoint": CHAT, "input_file_id": "f", "metadata": {"to": EMAIL}}
    )
    async with opened(providers=PROVIDERS) as running:
        batches = sdk(running).batches
        made = await batches.create(
            input_file_id="f", endpoint=CHAT, completion_window="24h", metadata={"to": EMAIL}
        )
        assert made.id == "b"
        assert EMAIL.encode() not in provider.requests[-1].body
        await batches.retrieve("b")
        await batches.cancel("b")
        with pytest.raises(openai.PermissionDeniedError):
            await batches.list()
    assert [request.method for request in provider.requests] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", ""])
async def test_no_file_runs_as_a_page(opened: Opened, provider: Provider, media_type: str) -> None:
    provider.say(b"<svg><script>1</script></svg>", media_type)
    async with opened(providers=PROVIDERS) as running:
        got = await running.http.get(f"/demo/v1/files/f/content?key={running.key}")
    assert got.status_code == 200, got.text
    assert got.headers["content-security-policy"] == "sandbox"
    assert got.headers["x-content-type-options"] == "nosniff"


async def test_lists_of_what_all_agents_stored_are_denied(opened: Opened, provider: Provider) -> None:
    async with opened(providers=PROVIDERS) as running:
        headers = {"authorization": f"Bearer {running.key}"}
        for path in ("files", "batches", "chat/completions", "chat/completions?limit=100"):
            got = await running.http.get(f"/demo/v1/{path}", headers=headers)
            assert got.status_code == 403, path
    assert provider.requests == []


async def test_a_file_in_pieces_passes_where_settings_say_so(opened: Opened, provider: Provider) -> None:
    provider.say({"id": "u", "object": "upload", "filename": "a.txt"})
    async with opened(providers=PROVIDERS) as running:
        with pytest.raises(openai.PermissionDeniedError, match=r"openai\.uploads"):
            await sdk(running).uploads.create(
                bytes=5, filename="a.txt", mime_type="text/plain", purpose="assistants"
            )
    assert provider.requests == []


async def test_a_batch_of_messages_is_governed_one_by_one(
    opened: Opened, provider: Provider, policy: Path
) -> None:
    results = "https://api.anthropic.com/v1/messages/batches/b/results"
    batch = {"id": "b", "type": "message_batch", "processing_status": "ended", "results_url": results}

    def result(content: list[dict[str, Any]]) -> bytes:
        message = {"id": "m", "type": "message", "role": "assistant", "model": "demo", "content": content}
        succeeded = {"type": "succeeded", "message": {**message, "stop_reason": "end_turn", "usage": {}}}
        return json.dumps({"custom_id": "1", "result": succeeded}).encode() + b"\n"

    answered = [result([{"type": "text", "text": "hello"}])]
    provider.reply = lambda request: (
        Reply(b"".join(answered), "application/x-jsonl")
        if request.path.endswith("/results")
        else Reply(json.dumps(batch).encode())
    )
    async with opened(providers=PROVIDERS, policy=policy) as running:
        transport = httpx2.ASGITransport(running.http._transport.app)  # type: ignore[attr-defined]
        async with httpx2.AsyncClient(transport=transport, base_url="http://regate") as http:
            client = anthropic.AsyncAnthropic(
                api_key=running.key, base_url="http://regate/claude", http_client=http, max_retries=0
            )
            params: Any = {
                "model": "demo",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": f"to {EMAIL}"}],
            }
            await client.messages.batches.create(requests=[{"custom_id": "1", "params": params}])
            sent = json.loads(provider.requests[-1].body)["requests"][0]
            assert sent["params"]["messages"][0]["content"].startswith("to <EMAIL_ADDRESS_")

            said = [one async for one in await client.messages.batches.results("b")]
            assert said[0].result.message.content[0].text == "hello"
            assert provider.requests[-1].path == "/v1/messages/batches/b/results"

            answered.append(result([{"type": "tool_use", "id": "t", "name": "delete_all", "input": {}}]))
            with pytest.raises(anthropic.PermissionDeniedError):
                await client.messages.batches.results("b")
            with pytest.raises(anthropic.BadRequestError):
                await client.messages.batches.create(requests=[{"custom_id": "1"}])  # type: ignore[typeddict-item]
