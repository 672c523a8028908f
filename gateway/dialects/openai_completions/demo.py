"""How the built-in demo provider goes on with a text."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import estimated_tokens, split_words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any] | list[SseEvent]:
    """Return the body of the answer, or the events of its stream when the prompt asks for one."""
    prompt = body["prompt"]
    said = prompt if isinstance(prompt, str) else next((one for one in prompt if isinstance(one, str)), "")
    reply = f"You said: {said}"
    sent, answered = estimated_tokens(body, reply)
    head = {
        "id": f"cmpl-demo{number}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": str(body.get("model", "demo")),
    }

    def choice(text: str, finish: str | None) -> dict[str, Any]:
        one = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [one]}

    if not body.get("stream"):
        usage = {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered}
        return {**choice(reply, "stop"), "usage": usage}
    events = [json_event(choice(word, None)) for word in split_words(reply)]
    return [*events, json_event(choice("", "stop")), SseEvent("[DONE]")]
