"""How the built-in demo provider answers a conversation in Ollama's way: whole, for it has no lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.echo import echo, estimated_tokens


def demo(body: Mapping[str, Any], _: int) -> dict[str, Any]:
    """Return the body of the answer; one that was asked to stream is one line."""
    reply = echo(body)
    sent, answered = estimated_tokens(body, reply)
    return {
        "model": str(body.get("model", "demo")),
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": reply},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": sent,
        "eval_count": answered,
    }
