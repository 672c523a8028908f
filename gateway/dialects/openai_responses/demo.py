"""How the built-in demo provider answers with a response."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import echo, estimated_tokens, split_words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any] | list[SseEvent]:
    """Return the body of the answer, or the events of its stream when the prompt asks for one."""
    said = body.get("input")
    reply = echo({"messages": [{"role": "user", "content": said}] if isinstance(said, str) else said})
    sent, answered = estimated_tokens(body, reply)
    response: dict[str, Any] = {
        "id": f"resp_demo{number}",
        "object": "response",
        "created_at": int(time.time()),
        "model": str(body.get("model", "demo")),
        "status": "in_progress",
        "output": [],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    text = {"type": "output_text", "text": reply, "annotations": [], "logprobs": []}
    head = {"id": f"msg_demo{number}", "type": "message", "role": "assistant"}
    item = {**head, "status": "completed", "content": [text]}
    whole = {
        **response,
        "status": "completed",
        "output": [item],
        "usage": {
            "input_tokens": sent,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": answered,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sent + answered,
        },
    }
    if not body.get("stream"):
        return whole
    at = {"item_id": head["id"], "output_index": 0}
    within = {**at, "content_index": 0}
    documents: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**head, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **within, "part": {**text, "text": ""}},
        *(
            {"type": "response.output_text.delta", **within, "delta": word, "logprobs": []}
            for word in split_words(reply)
        ),
        {"type": "response.output_text.done", **within, "text": reply, "logprobs": []},
        {"type": "response.content_part.done", **within, "part": text},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [
        json_event({**document, "sequence_number": index}, document["type"])
        for index, document in enumerate(documents)
    ]
