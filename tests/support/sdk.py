"""The real OpenAI and Anthropic SDKs, sync and async, whole and streaming, behind one way to ask."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import anthropic
import openai

Errors = openai.APIError | anthropic.APIError
REFUSED = (openai.APIStatusError, anthropic.APIStatusError)  # a status that is an error
FAILED = (openai.APIError, anthropic.APIError)  # that, or an error in mid-stream
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt in neither dialect. `call` and `result` are an earlier tool call and what it gave.

    `assistant` is what was said with that call.
    """

    user: str = "hello"
    system: str = ""
    assistant: str = ""
    call: dict[str, Any] | None = None
    result: str = ""
    tools: tuple[str, ...] = ()
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Heard:
    """What came back: the text of each choice, and tool calls as name and parsed arguments."""

    texts: list[str] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str = ""

    @property
    def text(self) -> str:
        return "".join(self.texts)


@dataclass(frozen=True, slots=True)
class Sdk:
    """One way to call: which SDK, sync or async, whole or streamed."""

    family: Literal["openai", "anthropic"]
    mode: Literal["sync", "async"]
    stream: bool

    def __str__(self) -> str:
        return f"{self.family}-{self.mode}-{'stream' if self.stream else 'whole'}"

    async def ask(self, url: str, key: str, model: str, ask: Ask, *, seconds: float = _SECONDS) -> Heard:
        """Ask once, without the SDK's own retries. Raises the SDK's own errors."""
        if self.mode == "sync":
            return await asyncio.to_thread(self._ask, url, key, model, ask, seconds)
        run = _openai_async if self.family == "openai" else _anthropic_async
        return await run(url, key, body_for(self.family, model, ask), self.stream, seconds)

    def _ask(self, url: str, key: str, model: str, ask: Ask, seconds: float) -> Heard:
        run = _openai_sync if self.family == "openai" else _anthropic_sync
        return run(url, key, body_for(self.family, model, ask), self.stream, seconds)


SDKS = [Sdk(f, m, s) for f, m, s in product(("openai", "anthropic"), ("sync", "async"), (False, True))]
EACH_FORM = [sdk for sdk in SDKS if sdk.mode == "async"]


def code_of(error: Errors) -> str:
    """The `code` of Regate's refusal, wherever the dialect puts it."""
    return str(error_of(error)["code"])


def error_of(error: Errors) -> dict[str, Any]:
    """The error object; the OpenAI SDK unwraps it, the Anthropic one does not."""
    body: Any = error.body
    assert isinstance(body, dict), body
    return dict(body.get("error", body))


def _openai_sync(url: str, key: str, body: dict[str, Any], stream: bool, seconds: float) -> Heard:
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0, timeout=seconds) as client:
        if not stream:
            return _chat(client.chat.completions.create(**body))
        collect = _Chunks()
        with client.chat.completions.create(**body, stream=True) as chunks:
            for chunk in chunks:
                collect.add(chunk)
        return collect.heard()


async def _openai_async(url: str, key: str, body: dict[str, Any], stream: bool, seconds: float) -> Heard:
    base = f"{url}/openai/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key=key, max_retries=0, timeout=seconds) as client:
        if not stream:
            return _chat(await client.chat.completions.create(**body))
        collect = _Chunks()
        async with await client.chat.completions.create(**body, stream=True) as chunks:
            async for chunk in chunks:
                collect.add(chunk)
        return collect.heard()


def _anthropic_sync(url: str, key: str, body: dict[str, Any], stream: bool, seconds: float) -> Heard:
    base = f"{url}/anthropic"
    with anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=seconds) as client:
        if not stream:
            return _message(client.messages.create(**body))
        with client.messages.stream(**body) as events:
            return _message(events.get_final_message())


async def _anthropic_async(url: str, key: str, body: dict[str, Any], stream: bool, seconds: float) -> Heard:
    base = f"{url}/anthropic"
    async with anthropic.AsyncAnthropic(base_url=base, api_key=key, max_retries=0, timeout=seconds) as client:
        if not stream:
            return _message(await client.messages.create(**body))
        async with client.messages.stream(**body) as events:
            return _message(await events.get_final_message())


def _chat(completion: Any) -> Heard:
    heard = Heard(finish=completion.choices[0].finish_reason)
    for choice in completion.choices:
        heard.texts.append(choice.message.content or choice.message.refusal or "")
        for call in choice.message.tool_calls or []:
            heard.calls.append((call.function.name, json.loads(call.function.arguments)))
    return heard


class _Chunks:
    """Puts streamed deltas together, as an agent does."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._calls: dict[int, list[str]] = {}
        self._finish = ""

    def add(self, chunk: Any) -> None:
        for choice in chunk.choices:
            text = choice.delta.content or getattr(choice.delta, "refusal", None) or ""
            self._texts[choice.index] = self._texts.get(choice.index, "") + text
            self._finish = choice.finish_reason or self._finish
            for call in choice.delta.tool_calls or []:
                known = self._calls.setdefault(call.index, ["", ""])
                known[0] += call.function.name or ""
                known[1] += call.function.arguments or ""

    def heard(self) -> Heard:
        calls = [(name, json.loads(raw)) for _, (name, raw) in sorted(self._calls.items())]
        return Heard([text for _, text in sorted(self._texts.items())], calls, self._finish)


def _message(message: Any) -> Heard:
    heard = Heard(finish=message.stop_reason)
    for block in message.content:
        if block.type == "text":
            heard.texts.append(block.text)
        elif block.type == "tool_use":
            heard.calls.append((block.name, block.input))
    return heard


def body_for(family: str, model: str, ask: Ask) -> dict[str, Any]:
    """The request body of an SDK's call."""
    return (openai_body if family == "openai" else anthropic_body)(model, ask)


def openai_body(model: str, ask: Ask) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": ask.system}] if ask.system else []
    messages.append({"role": "user", "content": ask.user})
    if ask.call is not None:
        function = {"name": "lookup", "arguments": _compact(ask.call)}
        call = {"id": "call_h", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": ask.assistant or None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "call_h", "content": ask.result})
    tools = [
        {
            "type": "function",
            "function": {"name": name, "description": f"Runs {name}.", "parameters": ask.schema},
        }
        for name in ask.tools
    ]
    return {"model": model, "messages": messages, **({"tools": tools} if tools else {}), **ask.extra}


def _compact(value: Any) -> str:
    """JSON as Regate spells it, so that an echo of it can be compared byte for byte."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def anthropic_body(model: str, ask: Ask) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": ask.user}]
    if ask.call is not None:
        call = {"type": "tool_use", "id": "toolu_h", "name": "lookup", "input": ask.call}
        said = [{"type": "text", "text": ask.assistant}] if ask.assistant else []
        messages.append({"role": "assistant", "content": [*said, call]})
        result = {"type": "tool_result", "tool_use_id": "toolu_h", "content": ask.result}
        messages.append({"role": "user", "content": [result]})
    tools = [{"name": name, "description": f"Runs {name}.", "input_schema": ask.schema} for name in ask.tools]
    return {
        "model": model,
        "max_tokens": 4096,
        "messages": messages,
        **({"system": ask.system} if ask.system else {}),
        **({"tools": tools} if tools else {}),
        **ask.extra,
    }
