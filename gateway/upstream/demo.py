"""`builtin:demo`: a provider that echoes what it was sent, so that masking can be seen without a key."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from gateway.dialects import demo_answer, encode
from gateway.upstream.client import UpstreamRequest, UpstreamResponse

_WORDS_PER_SECOND = 100


class DemoTransport:
    """Answers the prompts of its family's dialects (whole and streaming), and the model list."""

    def __init__(self, family: str) -> None:
        self._family = family
        self._count = itertools.count(1)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if request.method == "GET" and request.path.endswith("/models"):
            return _whole(200, {"object": "list", "data": [{"id": "demo", "object": "model"}]})
        try:
            answer = demo_answer(self._family, request.path, request.body, next(self._count))
        except (ValueError, TypeError, AttributeError, KeyError):
            return _refused(400, "invalid_request_error", "the demo provider cannot read this body")
        if answer is None:
            return _refused(404, "not_found_error", "the demo provider has no such endpoint")
        if isinstance(answer, list):
            return _Stream([encode(event) for event in answer])
        return _whole(200, answer)


def _refused(status: int, kind: str, message: str) -> UpstreamResponse:
    return _whole(status, {"type": "error", "error": {"type": kind, "message": message}})


def _whole(status: int, document: Mapping[str, Any]) -> UpstreamResponse:
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
