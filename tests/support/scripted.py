"""A provider in the test's own process that answers exactly what a test tells it to, byte for byte."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = "THE-PLACEHOLDER"
"""In a scripted answer: the first placeholder that stands in the request."""

_PLACEHOLDER = re.compile(rb"<[A-Z][A-Z0-9_]*_[a-z2-7]{6,}>")
_PAUSE_SECONDS = 0.01  # so that two events of a stream are two reads
_JSON, _SSE = "application/json", "text/event-stream"


class ScriptedProvider:
    """Answers every POST with what was said last; keeps the bodies that it got."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._answer: tuple[int, Mapping[str, str], list[bytes]] = (500, {}, [])
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def say(self, document: Any, *, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        """Answer with a JSON document. Header values go out as Latin-1."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self._set(status, {"content-type": _JSON, **headers}, [body])

    def stream(self, *events: Any, headers: Mapping[str, str] = {}) -> None:
        """Answer with a stream, event by event: Anthropic's carry their type, OpenAI's end with [DONE]."""
        lines = []
        for event in events:
            named = f"event: {event['type']}\n" if "type" in event else ""
            lines.append(f"{named}data: {json.dumps(event)}\n\n".encode())
        if not any("type" in event for event in events):
            lines.append(b"data: [DONE]\n\n")
        self._set(200, {"content-type": _SSE, **headers}, lines)

    def raw(self, media_type: str, *pieces: bytes) -> None:
        """Answer with these bytes, piece by piece."""
        self._set(200, {"content-type": media_type}, list(pieces))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _set(self, status: int, headers: Mapping[str, str], pieces: list[bytes]) -> None:
        self.received.clear()
        self._answer = (status, headers, pieces)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["content-length"]))
                provider.received.append(request)
                status, headers, pieces = provider._answer
                found = _PLACEHOLDER.search(request)
                pieces = [piece.replace(PLACEHOLDER.encode(), found[0] if found else b"") for piece in pieces]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(sum(map(len, pieces))))
                self.end_headers()
                for piece in pieces:
                    with contextlib.suppress(ConnectionError):  # the gateway may have heard enough
                        self.wfile.write(piece)
                    time.sleep(_PAUSE_SECONDS)

            def log_message(self, format: str, *args: object) -> None:
                """A test's output is not for this."""

        return Handler


def completion(message: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A chat completion of OpenAI around a message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return {**_head("chat.completion"), "choices": [choice], **more}


def chunk(delta: Mapping[str, Any], finish: str | None = None, *, index: int = 0) -> dict[str, Any]:
    """An event of an OpenAI stream."""
    choice = {"index": index, "delta": dict(delta), "finish_reason": finish}
    return {**_head("chat.completion.chunk"), "choices": [choice]}


def call(name: str, arguments: Any, *, index: int = 0) -> dict[str, Any]:
    """A tool call of OpenAI, whole, as a stream may bring it in one delta."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": raw}
    return {"index": index, "id": f"call_{'abcdefgh'[index]}", "type": "function", "function": function}


def message(*blocks: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A message of Anthropic around its blocks."""
    head = {"id": "msg_stub", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    usage = {"input_tokens": 5, "output_tokens": 7}
    return {**head, "content": list(blocks), "stop_reason": "end_turn", "usage": usage, **more}


def message_events(*blocks: Mapping[str, Any], stop: str = "end_turn") -> list[dict[str, Any]]:
    """The events of a message of Anthropic: each block's deltas stand in its own `deltas`."""
    made: list[dict[str, Any]] = [{"type": "message_start", "message": message(stop_reason=None)}]
    for index, block in enumerate(blocks):
        opening = {name: value for name, value in block.items() if name != "deltas"}
        made.append({"type": "content_block_start", "index": index, "content_block": opening})
        made += [{"type": "content_block_delta", "index": index, "delta": one} for one in block["deltas"]]
        made.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop, "stop_sequence": None}
    made.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
    return [*made, {"type": "message_stop"}]


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-stub", "object": kind, "created": 1795334400, "model": "m"}
