"""One table of wire formats: how each says a text, makes calls and ends, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE
from gateway.dialects.reading.stream import json_event
from tests.support import responses_wire
from tests.support.scripted import call, chunk, completion, message, message_events

Call = tuple[str, str]  # name and arguments, as JSON that may have been cut off
_HEAD = {"id": "c", "object": "text_completion", "created": 1795334400, "model": "m"}


@dataclass(frozen=True, slots=True)
class Wire:
    """A dialect as a client and a provider speak it. `cut` is why a completion ended before its model had."""

    path: str
    cut: str
    prompt: Callable[[str, bool], dict[str, Any]]  # a user's text, and whether it should stream
    whole: Callable[[str, Sequence[Call], str], Any]  # text, calls, why it ended
    events: Callable[[str, Sequence[Call], str], Sequence[Any]]
    calls: bool = True
    media_type: str = "text/event-stream"
    stream_path: str = ""

    def body(self, text: str, calls: Sequence[Call], reason: str, *, stream: bool) -> bytes:
        """What a provider sends."""
        if not stream:
            return json.dumps(self.whole(text, calls, reason)).encode()
        return framed(self.events(text, calls, reason), self.media_type)

    def at(self, stream: bool) -> str:
        return self.stream_path if stream and self.stream_path else self.path


def framed(events: Sequence[Any], media_type: str = "text/event-stream") -> bytes:
    """Return the bytes of a stream of these events; texts are data as they stand, pairs have a name."""
    if media_type == MEDIA_TYPE:
        named = [one if isinstance(one, tuple) else ("", one) for one in events]
        encoder = (FRAMES if isinstance(events[0], tuple) else CHUNKS).encoder()
        return b"".join(encoder.encode(json_event(said, name)) for name, said in named)
    if media_type == "application/x-ndjson":
        return b"".join(json.dumps(one).encode() + b"\n" for one in events)
    lines = []
    for one in events:
        named = f"event: {one['type']}\n" if isinstance(one, Mapping) and "type" in one else ""
        lines.append(f"{named}data: {one if isinstance(one, str) else json.dumps(one)}\n\n")
    return "".join(lines).encode()


def _messages(text: str, stream: bool) -> dict[str, Any]:
    said = [{"role": "user", "content": text}]
    return {"model": "m", "max_tokens": 64, "messages": said, "stream": stream}


def _parsed(raw: str) -> Any:
    """Arguments as an object; as the text that they are where they were cut off."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw or {}


def _chat(text: str, calls: Sequence[Call], reason: str) -> Any:
    made = [call(*one, index=index) for index, one in enumerate(calls)]
    said = completion({"content": text, **({"tool_calls": made} if made else {})})
    said["choices"][0]["finish_reason"] = reason
    return {**said, "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}


def _chat_events(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    made = [call(*one, index=index) for index, one in enumerate(calls)]
    last = {**chunk({}, reason), "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}
    return [chunk({"content": text}), *(chunk({"tool_calls": [one]}) for one in made), last, "[DONE]"]


def _blocks(text: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
    tools = [
        {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": _parsed(raw)}
        for name, raw in calls
    ]
    return [{"type": "text", "text": text}, *tools]


def _message(text: str, calls: Sequence[Call], reason: str) -> Any:
    return message(*_blocks(text, calls), stop_reason=reason)


def _message_events(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    said, *tools = _blocks(text, calls)
    opened: list[dict[str, Any]] = [
        {**said, "text": "", "deltas": [{"type": "text_delta", "text": text}]},
        *(
            {**one, "input": {}, "deltas": [{"type": "input_json_delta", "partial_json": raw}]}
            for one, (_, raw) in zip(tools, calls, strict=True)
        ),
    ]
    return message_events(*opened, stop=reason)


def _items(text: str, calls: Sequence[Call], reason: str) -> list[dict[str, Any]]:
    made = [responses_wire.function_call(name, raw, name[:1]) for name, raw in calls]
    if made and reason != "completed" and not isinstance(_parsed(calls[-1][1] or '"'), dict):
        made[-1]["status"] = "incomplete"
    return [responses_wire.message(text), *made]


def _ending(reason: str) -> dict[str, Any]:
    if reason == "completed":
        return {}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def _response(text: str, calls: Sequence[Call], reason: str) -> Any:
    return responses_wire.document(_items(text, calls, reason), **_ending(reason))


def _response_events(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    items = _items(text, calls, reason)
    made = responses_wire.events(
        items, 4, "response.completed" if reason == "completed" else "response.incomplete"
    )
    made[-1]["response"] |= _ending(reason)
    return made


def _parts(text: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
    made = []
    for name, raw in calls:
        arguments = _parsed(raw)
        whole = isinstance(arguments, dict) and raw
        given = {"name": name, "args": arguments} if whole else {"name": name, "willContinue": True}
        made.append({"functionCall": given})
    return [{"text": text}, *made]


def _candidate(parts: Sequence[Any], reason: str) -> dict[str, Any]:
    counts = {"promptTokenCount": 5, "candidatesTokenCount": 7}
    content = {"role": "model", "parts": [*parts]}
    ended = {"finishReason": reason} if reason else {}
    return {"candidates": [{"content": content, "index": 0, **ended}], "usageMetadata": counts}


def _line(said: Mapping[str, Any], reason: str) -> dict[str, Any]:
    counts = {"prompt_eval_count": 5, "eval_count": 7}
    over = {"done": True, "done_reason": reason, **counts} if reason else {"done": False}
    return {
        "model": "m",
        "created_at": "2026-11-28T06:00:00Z",
        "message": {"role": "assistant", **said},
        **over,
    }


def _functions(calls: Sequence[Call]) -> list[dict[str, Any]]:
    return [{"function": {"name": name, "arguments": _parsed(raw) if raw else ""}} for name, raw in calls]


def _lines(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    *made, last = [[one] for one in _functions(calls)] or [[]]
    lines = [_line({"content": "", "tool_calls": one}, "") for one in made]
    return [_line({"content": text}, ""), *lines, _line({"content": "", "tool_calls": last}, reason)]


def _gemini_events(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    *parts, last = _parts(text, calls)
    return [*(_candidate([part], "") for part in parts), _candidate([last], reason)]


def _converse(text: str, calls: Sequence[Call], reason: str) -> Any:
    made = [{"toolUseId": f"t_{name}", "name": name, "input": _parsed(raw)} for name, raw in calls]
    content = [{"text": text}, *({"toolUse": one} for one in made)]
    said = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason}
    return {**said, "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}}


def _converse_events(text: str, calls: Sequence[Call], reason: str) -> list[Any]:
    usage = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
    made: list[Any] = [("messageStart", {"role": "assistant"})]
    made += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})]
    made += [("contentBlockStop", {"contentBlockIndex": 0})]
    for at, (name, raw) in enumerate(calls, 1):
        start = {"toolUse": {"toolUseId": f"t_{name}", "name": name}}
        made += [
            ("contentBlockStart", {"contentBlockIndex": at, "start": start}),
            ("contentBlockDelta", {"contentBlockIndex": at, "delta": {"toolUse": {"input": raw}}}),
            ("contentBlockStop", {"contentBlockIndex": at}),
        ]
    return [*made, ("messageStop", {"stopReason": reason}), ("metadata", {"usage": usage})]


def _text(text: str, _: Sequence[Call], reason: str) -> Any:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    return {**_HEAD, "choices": [{"index": 0, "text": text, "finish_reason": reason}], "usage": usage}


WIRES: Mapping[str, Wire] = {
    "openai.chat": Wire("openai/v1/chat/completions", "length", _messages, _chat, _chat_events),
    "openai.responses": Wire(
        "openai/v1/responses",
        "max_output_tokens",
        lambda text, stream: {"model": "m", "input": text, "stream": stream},
        _response,
        _response_events,
    ),
    "openai.completions": Wire(
        "openai/v1/completions",
        "length",
        lambda text, stream: {"model": "m", "prompt": text, "stream": stream},
        _text,
        lambda text, calls, reason: [_text(text, calls, reason), "[DONE]"],
        calls=False,
    ),
    "openai.fim": Wire(
        "openai/v1/fim/completions",
        "length",
        lambda text, stream: {"model": "m", "prompt": text, "suffix": "", "stream": stream},
        _chat,
        _chat_events,
    ),
    "anthropic.messages": Wire("anthropic/v1/messages", "max_tokens", _messages, _message, _message_events),
    "gemini.generate": Wire(
        "gemini/v1beta/models/m:generateContent",
        "MAX_TOKENS",
        lambda text, _: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
        lambda text, calls, reason: _candidate(_parts(text, calls), reason),
        _gemini_events,
        stream_path="gemini/v1beta/models/m:streamGenerateContent?alt=sse",
    ),
    "ollama.chat": Wire(
        "ollama/api/chat",
        "length",
        _messages,
        lambda text, calls, reason: _line({"content": text, "tool_calls": _functions(calls)}, reason),
        _lines,
        media_type="application/x-ndjson",
    ),
    "bedrock.converse": Wire(
        "bedrock/model/m/converse",
        "max_tokens",
        lambda text, _: {"messages": [{"role": "user", "content": [{"text": text}]}]},
        _converse,
        _converse_events,
        media_type=MEDIA_TYPE,
        stream_path="bedrock/model/m/converse-stream",
    ),
    "bedrock.anthropic": Wire(
        "bedrock/model/m/invoke",
        "max_tokens",
        lambda text, _: {"anthropic_version": "bedrock-2023-05-31", **_messages(text, False)},
        _message,
        _message_events,
        media_type=MEDIA_TYPE,
        stream_path="bedrock/model/m/invoke-with-response-stream",
    ),
}
FAMILIES = ("openai", "anthropic", "gemini", "ollama", "bedrock")
BUILT_IN = {family: {"family": family, "base_url": "builtin:demo", "credential": ""} for family in FAMILIES}
"""Providers for an application in the test's own process, whose answers are told by `Spoken`."""
