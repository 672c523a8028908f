"""How the built-in demo provider answers a chat completion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import echo, estimated_tokens, split_words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any] | list[SseEvent]:
    """Return the body of the answer, or the events of its stream when the prompt asks for one."""
    reply = echo(body)
    head = {
        "id": f"chatcmpl-demo{number}",
        "created": int(time.time()),
        "model": str(body.get("model", "demo")),
    }
    sent, answered = estimated_tokens(body, reply)
    usage = {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered}
    if not body.get("stream"):
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(choices: list[dict[str, Any]], **more: Any) -> SseEvent:
        return json_event({**head, "object": "chat.completion.chunk", "choices": choices, **more})

    def delta(said: dict[str, Any], finish: str | None = None) -> SseEvent:
        return chunk([{"index": 0, "delta": said, "finish_reason": finish}])

    events = [delta({"role": "assistant", "content": ""})]
    events += [delta({"content": word}) for word in split_words(reply)]
    events.append(delta({}, "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(chunk([], usage=usage))
    return [*events, SseEvent("[DONE]")]
