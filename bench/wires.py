"""The dialects as the provider and the client of `bench.leaks` speak them: one text in, texts out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.dialects.bedrock.frames import CHUNKS, FRAMES, MEDIA_TYPE
from gateway.dialects.reading.framing import Framing
from gateway.dialects.reading.stream import json_event

Piece = tuple[int, str]  # of a channel: a choice, a block, an item
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """A dialect. `events` are what a provider streams; `heard` what a client knows after each event."""

    dialect: str
    family: str
    path: str
    request: Callable[[str, bool], Json]
    told: Callable[[Json], str]  # what a request says
    whole: Callable[[str], Json]
    said: Callable[[Json], str]  # what a whole answer says
    stream: Callable[[Sequence[Piece]], Iterator[Json]]
    delta: Callable[[Json], Piece | None]
    channels: int = 1
    media_type: str = "text/event-stream"
    streaming_path: str = ""
    frames: Framing | None = None  # where its streams are binary: an event is {name: what it says} there

    @property
    def streamed_path(self) -> str:
        return self.streaming_path or self.path

    def events(self, pieces: Sequence[Piece]) -> list[bytes]:
        return [self._event(document) for document in self.stream(pieces)]

    def heard(self, body: bytes) -> Iterator[tuple[str, ...]]:
        """Yield the texts by channel, as they grow with each event. Raises ValueError on an error."""
        texts: dict[int, str] = {}
        for document in self._documents(body):
            if document.get("error"):
                raise ValueError(f"{self.dialect}: {document}")
            if found := self.delta(document):
                texts[found[0]] = texts.get(found[0], "") + found[1]
                yield tuple(texts.values())

    def shown(self, body: bytes) -> str:
        """Return all that stands in an answer, as text."""
        return json.dumps([*self._documents(body)], ensure_ascii=False) if self.frames else body.decode()

    def _documents(self, body: bytes) -> Iterator[Json]:
        if self.frames:
            for event in self.frames.decoder(1 << 20).feed(body):
                said = json.loads(event.data)
                yield {event.event: said, **said} if event.event else said
            return
        for line in body.decode().splitlines():
            data = line if self.media_type != "text/event-stream" else line.removeprefix("data: ")
            if data and (data != line or self.media_type != "text/event-stream") and data != "[DONE]":
                yield json.loads(data)

    def _event(self, document: Json) -> bytes:
        if self.frames:
            ((name, said),) = document.items() if "type" not in document else [("", document)]
            return self.frames.encoder().encode(json_event(said, name))
        data = json.dumps(document).encode()
        if self.media_type != "text/event-stream":
            return data + b"\n"
        name = f"event: {document['type']}\n".encode() if "type" in document else b""
        return name + b"data: " + data + b"\n\n"


def _messages(text: str, streamed: bool, **more: Any) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "stream": streamed, **more}


def _first_message(body: Json) -> str:
    return str(body["messages"][0]["content"])


def _ends(pieces: Sequence[Piece]) -> list[int]:
    return sorted({channel for channel, _ in pieces})


def _choices(pieces: Sequence[Piece], wrap: Callable[[str], Json]) -> Iterator[Json]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    for channel, text in pieces:
        yield {**head, "choices": [{"index": channel, "finish_reason": None, **wrap(text)}]}
    for channel in _ends(pieces):
        yield {**head, "choices": [{"index": channel, "finish_reason": "stop", **wrap("")}]}


def _choice(document: Json, read: Callable[[Json], str]) -> Piece | None:
    return next(((one["index"], read(one)) for one in document.get("choices", ())), None)


def _chat_whole(text: str) -> Json:
    message = {"role": "assistant", "content": text}
    return {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def _blocks(pieces: Sequence[Piece]) -> Iterator[Json]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": usage,
    }
    yield {"type": "message_start", "message": message}
    for channel in _ends(pieces):  # one after the other, as its clients expect them
        yield {"type": "content_block_start", "index": channel, "content_block": {"type": "text", "text": ""}}
        for _, text in (one for one in pieces if one[0] == channel):
            yield {
                "type": "content_block_delta",
                "index": channel,
                "delta": {"type": "text_delta", "text": text},
            }
        yield {"type": "content_block_stop", "index": channel}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def _block(document: Json) -> Piece | None:
    return (
        (document["index"], document["delta"]["text"]) if document["type"] == "content_block_delta" else None
    )


def _message(text: str) -> Json:
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {**head, "content": [{"type": "text", "text": text}], "usage": usage}


def _item(channel: int, text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": f"msg_{channel}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _response(*items: Json, status: str = "completed") -> Json:
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", "output": list(items)}


def _items(pieces: Sequence[Piece]) -> Iterator[Json]:
    yield {"type": "response.created", "response": _response(status="in_progress")}
    for channel in _ends(pieces):
        item = {**_item(channel, ""), "status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "output_index": channel, "item": item}
        part = {"type": "output_text", "text": "", "annotations": []}
        yield {"type": "response.content_part.added", **_place(channel), "part": part}
    for channel, text in pieces:
        yield {"type": "response.output_text.delta", **_place(channel), "delta": text}
    texts = {channel: "".join(text for at, text in pieces if at == channel) for channel in _ends(pieces)}
    for channel, text in texts.items():
        yield {"type": "response.output_text.done", **_place(channel), "text": text}
        yield {
            "type": "response.content_part.done",
            **_place(channel),
            "part": _item(channel, text)["content"][0],
        }
        yield {"type": "response.output_item.done", "output_index": channel, "item": _item(channel, text)}
    yield {
        "type": "response.completed",
        "response": _response(*(_item(at, text) for at, text in texts.items())),
    }


def _place(channel: int) -> Json:
    return {"item_id": f"msg_{channel}", "output_index": channel, "content_index": 0}


def _output(document: Json) -> Piece | None:
    is_delta = document["type"] == "response.output_text.delta"
    return (document["output_index"], document["delta"]) if is_delta else None


def _candidates(pieces: Sequence[Piece]) -> Iterator[Json]:
    for channel, text in pieces:
        yield {"candidates": [{"index": channel, "content": {"role": "model", "parts": [{"text": text}]}}]}
    for channel in _ends(pieces):
        yield {"candidates": [{"index": channel, "finishReason": "STOP"}]}


def _candidate(document: Json) -> Piece | None:
    one = document["candidates"][0]
    parts = one.get("content", {}).get("parts", ())
    return (one["index"], "".join(part.get("text", "") for part in parts)) if parts else None


def _lines(pieces: Sequence[Piece], wrap: Callable[[str], Json]) -> Iterator[Json]:
    for _, text in pieces:
        yield {"model": "m", **wrap(text), "done": False}
    yield {"model": "m", **wrap(""), "done": True, "done_reason": "stop"}


def _converse_whole(text: str) -> Json:
    message = {"role": "assistant", "content": [{"text": text}]}
    return {"output": {"message": message}, "stopReason": "end_turn"}


def _converse_blocks(pieces: Sequence[Piece]) -> Iterator[Json]:
    yield {"messageStart": {"role": "assistant"}}
    for channel in _ends(pieces):
        for _, text in (one for one in pieces if one[0] == channel):
            yield {"contentBlockDelta": {"contentBlockIndex": channel, "delta": {"text": text}, "p": "abc"}}
        yield {"contentBlockStop": {"contentBlockIndex": channel}}
    yield {"messageStop": {"stopReason": "end_turn"}}


def _converse_block(document: Json) -> Piece | None:
    said = document.get("contentBlockDelta")
    return (said["contentBlockIndex"], said["delta"]["text"]) if said else None


WIRES = (
    Wire(
        "openai.chat",
        "openai",
        "/v1/chat/completions",
        lambda text, streamed: _messages(text, streamed, n=2 if streamed else 1),
        _first_message,
        _chat_whole,
        lambda body: str(body["choices"][0]["message"]["content"]),
        lambda pieces: _choices(pieces, lambda text: {"delta": {"content": text}}),
        lambda document: _choice(document, lambda one: str(one["delta"].get("content") or "")),
        channels=2,
    ),
    Wire(
        "openai.completions",
        "openai",
        "/v1/completions",
        lambda text, streamed: {"model": "m", "prompt": text, "stream": streamed, "n": 2 if streamed else 1},
        lambda body: str(body["prompt"]),
        lambda text: {"id": "c1", "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]},
        lambda body: str(body["choices"][0]["text"]),
        lambda pieces: _choices(pieces, lambda text: {"text": text}),
        lambda document: _choice(document, lambda one: str(one["text"])),
        channels=2,
    ),
    Wire(
        "openai.responses",
        "openai",
        "/v1/responses",
        lambda text, streamed: {"model": "m", "input": text, "stream": streamed},
        lambda body: str(body["input"]),
        lambda text: _response(_item(0, text)),
        lambda body: str(body["output"][0]["content"][0]["text"]),
        _items,
        _output,
        channels=2,
    ),
    Wire(
        "anthropic.messages",
        "anthropic",
        "/v1/messages",
        lambda text, streamed: _messages(text, streamed, max_tokens=64),
        _first_message,
        _message,
        lambda body: str(body["content"][0]["text"]),
        _blocks,
        _block,
        channels=2,
    ),
    Wire(
        "gemini.generate",
        "gemini",
        "/v1beta/models/m:generateContent",
        lambda text, _: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
        lambda body: str(body["contents"][0]["parts"][0]["text"]),
        lambda text: next(_candidates([(0, text)])),
        lambda body: str(body["candidates"][0]["content"]["parts"][0]["text"]),
        _candidates,
        _candidate,
        streaming_path="/v1beta/models/m:streamGenerateContent?alt=sse",
    ),
    Wire(
        "ollama.chat",
        "ollama",
        "/api/chat",
        _messages,
        _first_message,
        lambda text: {"model": "m", "message": {"role": "assistant", "content": text}, "done": True},
        lambda body: str(body["message"]["content"]),
        lambda pieces: _lines(pieces, lambda text: {"message": {"role": "assistant", "content": text}}),
        lambda document: (0, str(document["message"]["content"])),
        media_type="application/x-ndjson",
    ),
    Wire(
        "ollama.generate",
        "ollama",
        "/api/generate",
        lambda text, streamed: {"model": "m", "prompt": text, "stream": streamed},
        lambda body: str(body["prompt"]),
        lambda text: {"model": "m", "response": text, "done": True},
        lambda body: str(body["response"]),
        lambda pieces: _lines(pieces, lambda text: {"response": text}),
        lambda document: (0, str(document["response"])),
        media_type="application/x-ndjson",
    ),
    Wire(
        "bedrock.converse",
        "bedrock",
        "/model/m/converse",
        lambda text, _: {"messages": [{"role": "user", "content": [{"text": text}]}]},
        lambda body: str(body["messages"][0]["content"][0]["text"]),
        _converse_whole,
        lambda body: str(body["output"]["message"]["content"][0]["text"]),
        _converse_blocks,
        _converse_block,
        channels=2,
        media_type=MEDIA_TYPE,
        streaming_path="/model/m/converse-stream",
        frames=FRAMES,
    ),
    Wire(
        "bedrock.anthropic",
        "bedrock",
        "/model/m/invoke",
        lambda text, _: {**_messages(text, False), "anthropic_version": "bedrock-2023-05-31"},
        _first_message,
        _message,
        lambda body: str(body["content"][0]["text"]),
        _blocks,
        _block,
        channels=2,
        media_type=MEDIA_TYPE,
        streaming_path="/model/m/invoke-with-response-stream",
        frames=CHUNKS,
    ),
)
