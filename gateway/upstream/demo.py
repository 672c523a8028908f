"""`builtin:demo`: a provider that echoes what it was sent, so that masking can be seen without a key."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from gateway.upstream.client import UpstreamRequest, UpstreamResponse
from gateway.words import Family

_WORDS_PER_SECOND = 100


class DemoUpstream:
    """Answers chat completions or messages (whole and streaming) and the model list, as its family does."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._count = itertools.count(1)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if request.method == "GET" and request.path.endswith("/models"):
            return _whole(200, {"object": "list", "data": [{"id": "demo", "object": "model"}]})
        try:
            if request.path.endswith("/chat/completions") and self._family == "openai":
                return self._chat(orjson.loads(request.body))
            if request.path.endswith("/v1/messages") and self._family == "anthropic":
                return self._message(orjson.loads(request.body))
        except (ValueError, TypeError, AttributeError, KeyError):
            return _refused(400, "invalid_request_error", "the demo provider cannot read this body")
        return _refused(404, "not_found_error", "the demo provider has no such endpoint")

    def _chat(self, body: dict[str, Any]) -> UpstreamResponse:
        reply = _reply(body)
        head = {
            "id": f"chatcmpl-demo{next(self._count)}",
            "created": int(time.time()),
            "model": str(body.get("model", "demo")),
        }
        usage = _usage(body, reply)
        counted = {
            "prompt_tokens": usage[0],
            "completion_tokens": usage[1],
            "total_tokens": sum(usage),
        }
        if not body.get("stream"):
            message = {"role": "assistant", "content": reply}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return _whole(200, {**head, "object": "chat.completion", "choices": [choice], "usage": counted})

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _event({**head, "object": "chat.completion.chunk", "choices": [choice]})

        tail = [chunk({}, "stop")]
        if (body.get("stream_options") or {}).get("include_usage"):
            tail.append(_event({**head, "object": "chat.completion.chunk", "choices": [], "usage": counted}))
        deltas = [chunk({"content": word}) for word in _words(reply)]
        return _Stream([chunk({"role": "assistant", "content": ""}), *deltas, *tail, b"data: [DONE]\n\n"])

    def _message(self, body: dict[str, Any]) -> UpstreamResponse:
        reply = _reply(body)
        sent, answered = _usage(body, reply)
        message: dict[str, Any] = {
            "id": f"msg_demo{next(self._count)}",
            "type": "message",
            "role": "assistant",
            "model": str(body.get("model", "demo")),
            "content": [{"type": "text", "text": reply}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": sent, "output_tokens": answered},
        }
        if not body.get("stream"):
            return _whole(200, message)
        start = {
            **message,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": sent, "output_tokens": 1},
        }
        block = {"type": "text", "text": ""}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": block},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
                for word in _words(reply)
            ),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": answered},
            },
            {"type": "message_stop"},
        ]
        return _Stream([_event(event, event["type"]) for event in events])


def _refused(status: int, kind: str, message: str) -> UpstreamResponse:
    return _whole(status, {"type": "error", "error": {"type": kind, "message": message}})


def _whole(status: int, document: dict[str, Any]) -> UpstreamResponse:
    return _Stream([orjson.dumps(document)], status, "application/json")


class _Stream:
    def __init__(self, events: list[bytes], status: int = 200, media_type: str = "text/event-stream") -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": media_type}
        self._events = events

    async def chunks(self) -> AsyncIterator[bytes]:
        for index, event in enumerate(self._events):
            if index:
                await asyncio.sleep(1 / _WORDS_PER_SECOND)
            yield event

    async def close(self) -> None:
        self._events = []


def _reply(body: dict[str, Any]) -> str:
    """The last user text, as the model was given it."""
    texts = [""]
    for message in body.get("messages") or []:
        content = message.get("content")
        if message.get("role") != "user":
            continue
        if isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts.append("\n".join(part["text"] for part in content if isinstance(part.get("text"), str)))
    return f"You said: {texts[-1]}"


def _words(text: str) -> list[str]:
    words = text.split(" ")
    return [*(f"{word} " for word in words[:-1]), words[-1]]


def _usage(body: dict[str, Any], reply: str) -> tuple[int, int]:
    """Tokens, roughly: four characters each."""
    return len(orjson.dumps(body)) // 4, len(reply) // 4


def _event(document: dict[str, Any], name: str = "") -> bytes:
    prefix = f"event: {name}\n".encode() if name else b""
    return prefix + b"data: " + orjson.dumps(document) + b"\n\n"
