"""A provider inside the application of a test: it answers what it is told, and keeps what it got."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.dialects import Framing, SseEvent, encode
from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE
from gateway.upstream import ReplayedResponse, UpstreamRequest, UpstreamResponse
from gateway.upstream.demo import DemoTransport
from tests.support.application import Running
from tests.support.scripted import PLACEHOLDER
from tests.support.wires import Call, Wire, framed

_NAMED = re.compile(rb"<[A-Z][A-Z0-9_]*_[a-z2-7]{6,}>")
_PIECE = re.compile(r'"(?:delta|content|text)":"((?:[^"\\]|\\.)*)"')


class Spoken:
    """Stands where the built-in demo provider would."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.requests: list[UpstreamRequest] = []
        self._answer = (200, "application/json", b"{}")

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Answer; the first placeholder of the prompt stands for PLACEHOLDER."""
        self.requests.append(request)
        is_json = request.body[:1] in (b"{", b"[")  # not a form
        self.bodies.append(json.loads(request.body) if is_json else None)
        status, media_type, body = self._answer
        found = _NAMED.search(request.body)
        name = found[0].decode() if found else ""
        if media_type == MEDIA_TYPE:
            events = [
                replace(one, data=one.data.replace(PLACEHOLDER, name)) for one in _events(request.path, body)
            ]
            body = b"".join(map(_framing(request.path).encoder().encode, events))
        body = body.replace(PLACEHOLDER.encode(), name.encode())
        return ReplayedResponse(status, {"content-type": media_type}, body)

    def say(self, wire: Wire, text: str, calls: Sequence[Call], reason: str, *, stream: bool) -> None:
        """Answer with a text and calls, and say why it ended."""
        self.answer(wire.body(text, calls, reason, stream=stream), wire.media_type if stream else "")

    def answer(self, body: bytes, media_type: str = "", status: int = 200) -> None:
        """Answer with these bytes; JSON unless they are called something else."""
        self._answer = (status, media_type or "application/json", body)

    def document(self, document: Any) -> None:
        self.answer(json.dumps(document).encode())

    def events(self, *events: Any, media_type: str = "text/event-stream") -> None:
        self.answer(framed(events, media_type), media_type)

    async def ask(
        self, running: Running, wire: Wire, text: str, *, stream: bool, **more: Any
    ) -> httpx.Response:
        """Ask through the gateway; `more` are further members of the prompt. Frames come as events do."""
        body = {**wire.prompt(text, stream), **more}
        headers = {"authorization": f"Bearer {running.key}"}
        answer = await running.http.post(f"/{wire.at(stream)}", json=body, headers=headers)
        if answer.headers["content-type"] != MEDIA_TYPE:
            return answer
        lines = b"".join(map(encode, _events(wire.at(stream), answer.content)))
        return httpx.Response(answer.status_code, content=lines)

    @staticmethod
    def heard(answer: str) -> str:
        """The answer, and behind it the pieces of its texts put together."""
        return answer + "".join(_PIECE.findall(answer))


def _framing(path: str) -> Framing:
    return CHUNKS if "invoke" in path else FRAMES


def _events(path: str, body: bytes) -> list[SseEvent]:
    """Return the events of frames; what comes in chunks is named by its type."""
    return [
        one if one.event else replace(one, event=json.loads(one.data).get("type", ""))
        for one in _framing(path).decoder(1 << 20).feed(body)
    ]


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Spoken:
    """Return the provider of all applications that the test opens."""
    provider = Spoken()
    monkeypatch.setattr(DemoTransport, "send", lambda _, request: provider.send(request))
    return provider
