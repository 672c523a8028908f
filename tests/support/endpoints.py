"""Every endpoint that a dialect knows, with a request to it, and what a provider answers."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.served import Sent
from tests.support.wires import WIRES, framed

SAID = "The sea is calm. Über Wellen: ☀ und 𝄞."
_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
_VECTOR = [0.0023064255, -0.009327292, 1.0, 0.5, -1e-05]
_PACKED = base64.b64encode(struct.pack("<5f", *_VECTOR)).decode()
_FILE = {
    "id": "file-abc",
    "object": "file",
    "bytes": 120,
    "created_at": 1795334400,
    "filename": "sea.jsonl",
    "purpose": "batch",
    "status": "processed",
}
_BATCH = {
    "id": "batch_abc",
    "object": "batch",
    "endpoint": "/v1/embeddings",
    "errors": None,
    "input_file_id": "file-abc",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1795334400,
    "request_counts": {"total": 0, "completed": 0, "failed": 0},
    "metadata": None,
}
_CLAUDE_BATCH = {
    "id": "msgbatch_abc",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
    "ended_at": None,
    "created_at": "2026-11-28T06:00:00Z",
    "expires_at": "2026-11-29T06:00:00Z",
    "results_url": None,
}
_CLAUDE_FILE = {
    "id": "file_abc",
    "type": "file",
    "filename": "sea.txt",
    "mime_type": "text/plain",
    "size_bytes": 120,
    "created_at": "2026-11-28T06:00:00Z",
    "downloadable": False,
}
_GENERATED = {"model": "m", "created_at": "2026-11-28T06:00:00Z", "response": SAID, "done": True}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of them. `events` are those of the stream that it answers where it is asked for one."""

    name: str
    target: str
    asked: Any = None  # JSON, or a form as (content type, bytes)
    said: Any = None
    method: str = "POST"
    events: Sequence[Any] = ()
    stream_target: str = ""
    stream_type: str = "text/event-stream"

    def sent(self, *, stream: bool = False, headers: Mapping[str, str] = {}) -> Sent:
        """Return the request, for a stream where one is asked for."""
        target = self.stream_target if stream and self.stream_target else self.target
        if self.asked is None:
            return Sent(self.method, target, [*headers.items()])
        kind, body = self.asked if isinstance(self.asked, tuple) else self._json(stream)
        return Sent(self.method, target, [("content-type", kind), *headers.items()], body)

    def stream(self) -> bytes:
        """Return the bytes of its stream."""
        return framed(self.events, self.stream_type)

    def _json(self, stream: bool) -> tuple[str, bytes]:
        streams = {"stream": True} if stream and not self.stream_target else {}
        return "application/json", json.dumps({**self.asked, **streams}).encode()


def form(*parts: tuple[str, str, bytes], boundary: str = "XyZ0123") -> tuple[str, bytes]:
    """Return a form, its content type and its bytes; a part is its disposition, type and bytes."""
    body = b""
    for disposition, kind, content in parts:
        typed = f"Content-Type: {kind}\r\n" if kind else ""
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{typed}\r\n"
        body += head.encode() + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def _of_wire(name: str) -> Endpoint:
    wire = WIRES[name]
    reason = {"anthropic": "end_turn", "bedrock": "end_turn", "gemini": "STOP"}
    told = "completed" if name == "openai.responses" else reason.get(name.partition(".")[0], "stop")
    return Endpoint(
        name,
        f"/{wire.path}",
        wire.prompt("How is the sea?", False),
        wire.whole(SAID, (), told),
        events=wire.events(SAID, (), told),
        stream_target=f"/{wire.stream_path}" if wire.stream_path else "",
        stream_type=wire.media_type,
    )


_LINE = {"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": "sea"}}
_UPLOAD = form(
    ('name="purpose"', "", b"batch"),
    (
        'name="file"; filename="sea.jsonl"',
        "application/jsonl",
        json.dumps(_LINE).encode() + b"\n",
    ),
)
_SOUND = form(
    ('name="model"', "", b"whisper-1"), ('name="file"; filename="a.mp3"', "audio/mpeg", b"ID3" + bytes(64))
)
_PICTURE = form(
    ('name="prompt"', "", b"The sea."),
    ('name="image"; filename="a.png"', "image/png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
)
_IMAGE = {"created": 1795334400, "data": [{"b64_json": "iVBORw0KGgo=", "revised_prompt": SAID}]}
_ABOUT = {"model": "m", "messages": [{"role": "user", "content": "How is the sea?"}]}

ENDPOINTS: Mapping[str, Endpoint] = {
    one.name: one
    for one in (
        *map(_of_wire, WIRES),
        Endpoint("count_tokens", "/anthropic/v1/messages/count_tokens", _ABOUT, {"input_tokens": 12}),
        Endpoint(
            "anthropic.batches",
            "/anthropic/v1/messages/batches",
            {"requests": [{"custom_id": "a", "params": {**_ABOUT, "max_tokens": 9}}]},
            _CLAUDE_BATCH,
        ),
        Endpoint(
            "anthropic.batch", "/anthropic/v1/messages/batches/msgbatch_abc", None, _CLAUDE_BATCH, "GET"
        ),
        Endpoint("claude's files", "/anthropic/v1/files", _UPLOAD, _CLAUDE_FILE),
        Endpoint("claude's file", "/anthropic/v1/files/file_abc", None, _CLAUDE_FILE, "GET"),
        Endpoint(
            "embeddings",
            "/openai/v1/embeddings",
            {"model": "m", "input": ["sea", "sun"]},
            {
                "object": "list",
                "data": [{"object": "embedding", "index": 0, "embedding": _VECTOR}],
                "model": "m",
                "usage": _USAGE,
            },
        ),
        Endpoint(
            "packed embeddings",
            "/openai/v1/embeddings",
            {"model": "m", "input": "sea", "encoding_format": "base64"},
            {
                "object": "list",
                "data": [{"object": "embedding", "index": 0, "embedding": _PACKED}],
                "model": "m",
            },
        ),
        Endpoint(
            "moderations",
            "/openai/v1/moderations",
            {"input": "sea"},
            {
                "id": "modr-1",
                "model": "m",
                "results": [
                    {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 1.5e-06}}
                ],
            },
        ),
        Endpoint("images", "/openai/v1/images/generations", {"model": "m", "prompt": "The sea."}, _IMAGE),
        Endpoint("edited images", "/openai/v1/images/edits", _PICTURE, _IMAGE),
        Endpoint(
            "images edited by name",
            "/openai/v1/images/edits",
            {"prompt": "The sea.", "images": [{"file_id": "file-abc"}, {"image_url": "https://a.example/b"}]},
            _IMAGE,
        ),
        Endpoint(
            "transcripts",
            "/openai/v1/audio/transcriptions",
            _SOUND,
            {"text": SAID, "usage": {"type": "duration", "seconds": 3}},
        ),
        Endpoint("files", "/openai/v1/files", _UPLOAD, _FILE),
        Endpoint("file", "/openai/v1/files/file-abc", None, _FILE, "GET"),
        Endpoint(
            "deleted file",
            "/openai/v1/files/file-abc",
            None,
            {"id": "file-abc", "object": "file", "deleted": True},
            "DELETE",
        ),
        Endpoint(
            "batches",
            "/openai/v1/batches",
            {"input_file_id": "file-abc", "endpoint": "/v1/embeddings", "completion_window": "24h"},
            _BATCH,
        ),
        Endpoint("batch", "/openai/v1/batches/batch_abc", None, _BATCH, "GET"),
        Endpoint(
            "uploads",
            "/openai/v1/uploads",
            {"purpose": "batch", "filename": "sea.jsonl", "bytes": 120, "mime_type": "application/jsonl"},
            {"id": "upload_abc", "object": "upload", "bytes": 120, "filename": "sea.jsonl", "file": None},
        ),
        Endpoint(
            "gemini.count_tokens",
            "/gemini/v1beta/models/m:countTokens",
            {"contents": [{"parts": [{"text": "How is the sea?"}]}]},
            {"totalTokens": 12},
        ),
        Endpoint(
            "gemini.embeddings",
            "/gemini/v1beta/models/m:embedContent",
            {"content": {"parts": [{"text": "sea"}]}},
            {"embedding": {"values": _VECTOR}},
        ),
        Endpoint(
            "ollama.generate",
            "/ollama/api/generate",
            {"model": "m", "prompt": "How is the sea?", "stream": False},
            _GENERATED,
            events=[{**_GENERATED, "done": False}, {**_GENERATED, "response": "", "done_reason": "stop"}],
            stream_type="application/x-ndjson",
        ),
        Endpoint(
            "ollama.embeddings",
            "/ollama/api/embed",
            {"model": "m", "input": ["sea"]},
            {"model": "m", "embeddings": [_VECTOR], "total_duration": 1234},
        ),
        Endpoint(
            "models",
            "/openai/v1/models",
            None,
            {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]},
            "GET",
        ),
        Endpoint(
            "unknown",
            "/openai/v1/evals",
            {"name": "calm", "tags": ["sea"]},
            {"id": "eval_abc", "name": "calm"},
        ),
    )
}
STREAMED = tuple(one for one in ENDPOINTS.values() if one.events)
