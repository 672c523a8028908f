"""A completion in OpenAI's format: one document, or chunks whose deltas interleave choices and calls."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from tests.support.saying import Saying


def document(body: dict[str, Any], saying: Saying) -> dict[str, Any]:
    choices = []
    for index, text in enumerate(saying.texts):
        message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
        if saying.refused:
            message |= {"content": None, "refusal": text}
        if saying.calls:
            message["tool_calls"] = [_call(i, name, raw) for i, (name, raw) in enumerate(saying.calls)]
        choices.append(
            {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(saying)}
        )
    return {**_head(body, "chat.completion"), "choices": choices, "usage": _usage()}


def events(body: dict[str, Any], saying: Saying, size: int) -> list[bytes]:
    """Chunks as OpenAI sends them: deltas go round over choices and calls, usage and [DONE] come last."""
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    head = _head(body, "chat.completion.chunk") | ({"usage": None} if wants_usage else {})

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**head, "choices": [choice]})

    made = [chunk(index, {"role": "assistant", "content": ""}) for index in range(len(saying.texts))]
    field = "refusal" if saying.refused else "content"
    deltas = [[chunk(i, {field: piece}) for piece in cut(text, size)] for i, text in enumerate(saying.texts)]
    made += [one for row in zip_longest(*deltas) for one in row if one]
    for index, (name, _) in enumerate(saying.calls):
        started = {**_call(index, name, ""), "index": index}
        made.append(chunk(0, {"tool_calls": [started]}))
    pieces = [
        [
            chunk(0, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            for piece in cut(raw, size)
        ]
        for index, (_, raw) in enumerate(saying.calls)
    ]
    made += [one for row in zip_longest(*pieces) for one in row if one]
    made += [chunk(index, {}, _finish(saying)) for index in range(len(saying.texts))]
    if wants_usage:
        made.append(event({**head, "choices": [], "usage": _usage()}))
    return [*made, b"data: [DONE]\n\n"]


def error_event(message: str) -> bytes:
    return event({"error": {"message": message, "type": "server_error", "code": None, "param": None}})


def event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-stub",
        "object": kind,
        "created": 1795334400,
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_stub",
    }


def _call(index: int, name: str, raw: str) -> dict[str, Any]:
    return {
        "id": f"call_{'abcdefgh'[index]}",
        "type": "function",
        "function": {"name": name, "arguments": raw},
    }


def _finish(saying: Saying) -> str:
    return "tool_calls" if saying.calls else "stop"


def _usage() -> dict[str, Any]:
    return {
        "prompt_tokens": 1234567,
        "completion_tokens": 7654321,
        "total_tokens": 8888888,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    }
