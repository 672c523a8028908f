"""How the built-in demo provider answers a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import echo, estimated_tokens, split_words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any] | list[SseEvent]:
    """Return the body of the answer, or the events of its stream when the prompt asks for one."""
    reply = echo(body)
    sent, answered = estimated_tokens(body, reply)
    message: dict[str, Any] = {
        "id": f"msg_demo{number}",
        "type": "message",
        "role": "assistant",
        "model": str(body.get("model", "demo")),
        "content": [{"type": "text", "text": reply}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": sent, "output_tokens": answered},
    }
    if not body.get("stream"):
        return message
    usage = {"input_tokens": sent, "output_tokens": 1}
    start = {**message, "content": [], "stop_reason": None, "usage": usage}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    documents: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in split_words(reply)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": answered}},
        {"type": "message_stop"},
    ]
    return [json_event(document, document["type"]) for document in documents]
