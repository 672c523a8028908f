"""A completion in Anthropic's format: one message, or the events that open, grow and close its blocks."""

from __future__ import annotations

import json
from typing import Any

from tests.support.openai_wire import cut
from tests.support.saying import Saying


def document(body: dict[str, Any], saying: Saying) -> dict[str, Any]:
    return {**_message(body), "content": _blocks(saying), "stop_reason": _stop(saying), "usage": _usage()}


def events(body: dict[str, Any], saying: Saying, size: int) -> list[bytes]:
    """The events of one message, with a ping after the first block has opened."""
    start = {**_message(body), "content": [], "stop_reason": None, "usage": {**_usage(), "output_tokens": 1}}
    made = [_event({"type": "message_start", "message": start})]
    for index, block in enumerate(_blocks(saying)):
        if block["type"] == "text":
            opening, kind, field, text = {**block, "text": ""}, "text_delta", "text", block["text"]
        else:
            opening, kind, field = {**block, "input": {}}, "input_json_delta", "partial_json"
            text = saying.calls[int(block["id"][-1], 36) - 10][1]
        made.append(_event({"type": "content_block_start", "index": index, "content_block": opening}))
        made += [_event({"type": "ping"})] if index == 0 else []
        made += [
            _event({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}})
            for piece in cut(text, size)
        ]
        made.append(_event({"type": "content_block_stop", "index": index}))
    delta = {"stop_reason": _stop(saying), "stop_sequence": None}
    made.append(_event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7654321}}))
    return [*made, _event({"type": "message_stop"})]


def error_event(message: str) -> bytes:
    return _event({"type": "error", "error": {"type": "overloaded_error", "message": message}})


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "stop_sequence": None,
    }


def _blocks(saying: Saying) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in saying.texts if text]
    for index, (name, raw) in enumerate(saying.calls):
        try:
            arguments = json.loads(raw)
        except ValueError:
            arguments = {}
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{'abcdefgh'[index]}", "name": name, "input": arguments}
        )
    return blocks


def _stop(saying: Saying) -> str:
    if saying.refused:
        return "refusal"
    return "tool_use" if saying.calls else "end_turn"


def _usage() -> dict[str, Any]:
    return {
        "input_tokens": 1234567,
        "output_tokens": 7654321,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
