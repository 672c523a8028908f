"""A response in OpenAI's format: one document, or the events of its stream."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from tests.support.openai_wire import cut
from tests.support.saying import Saying

HEAD = {
    "id": "resp_stub",
    "object": "response",
    "created_at": 1795334400,
    "status": "completed",
    "model": "gpt-5",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
USAGE = {
    "input_tokens": 1234567,
    "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 0},
    "output_tokens": 7654321,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 8888888,
}
_TEXTS = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}
_GROWING = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}


def message(*texts: str, refused: bool = False, key: str = "a") -> dict[str, Any]:
    """Return a message of the assistant."""
    parts: list[dict[str, Any]] = [
        {"type": "refusal", "refusal": text}
        if refused
        else {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        for text in texts
    ]
    return {
        "id": f"msg_{key}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": parts,
    }


def reasoning(*summaries: str, key: str = "a") -> dict[str, Any]:
    """Return what a model thought."""
    summary = [{"type": "summary_text", "text": text} for text in summaries]
    return {"id": f"rs_{key}", "type": "reasoning", "summary": summary}


def function_call(name: str, raw: str, key: str = "a") -> dict[str, Any]:
    """Return a call of a tool of the client's."""
    return {
        "id": f"fc_{key}",
        "type": "function_call",
        "call_id": f"call_{key}",
        "name": name,
        "arguments": raw,
        "status": "completed",
    }


def items_of(saying: Saying) -> list[dict[str, Any]]:
    """Return what a model says as items: a thought, its texts, its calls."""
    letters = "abcdefgh"
    calls = [function_call(name, raw, letters[index]) for index, (name, raw) in enumerate(saying.calls)]
    texts = [text for text in saying.texts if text]
    spoken = [message(*texts, refused=saying.refused)] if texts else []
    return [reasoning("Let me think."), *spoken, *calls]


def document(items: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a whole response with these items."""
    return {**HEAD, "output": copy.deepcopy([*items]), "usage": USAGE, **more}


def events(
    items: Sequence[dict[str, Any]], size: int = 4, last: str = "response.completed", **more: Any
) -> list[dict[str, Any]]:
    """Return the events as OpenAI sends them: every item opens, grows in pieces of `size` and closes."""
    empty = {**HEAD, "status": "in_progress", "output": [], **more}
    made: list[dict[str, Any]] = [
        {"type": "response.created", "response": empty},
        {"type": "response.in_progress", "response": empty},
    ]
    for index, item in enumerate(items):
        made += _item(index, item, size)
    made.append({"type": last, "response": document(items, **more)})
    return [{**copy.deepcopy(event), "sequence_number": number} for number, event in enumerate(made)]


def encoded(events_: Sequence[dict[str, Any]]) -> list[bytes]:
    return [
        f"event: {one['type']}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n".encode() for one in events_
    ]


def _item(index: int, item: dict[str, Any], size: int) -> list[dict[str, Any]]:
    at = {"item_id": item["id"], "output_index": index}
    begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
    for held_in in ("content", "summary"):
        if held_in in item:
            begun[held_in] = []
    name, grows = _GROWING.get(item["type"], ("", ""))
    if name:
        begun[name] = ""
    made: list[dict[str, Any]] = [
        {"type": "response.output_item.added", "output_index": index, "item": begun}
    ]
    if name:
        made += [{"type": f"{grows}.delta", **at, "delta": piece} for piece in cut(item[name], size)]
        made.append({"type": f"{grows}.done", **at, name: item[name]})
    for held_in, key, part_kind in (
        ("content", "content_index", "response.content_part"),
        ("summary", "summary_index", "response.reasoning_summary_part"),
    ):
        for place, part in enumerate(item.get(held_in) or []):
            made += _part({**at, key: place}, part, part_kind, size)
    return [*made, {"type": "response.output_item.done", "output_index": index, "item": item}]


def _part(at: dict[str, Any], part: dict[str, Any], kind: str, size: int) -> list[dict[str, Any]]:
    grows, member = _TEXTS[part["type"]]
    probable = {"logprobs": []} if part["type"] == "output_text" else {}
    return [
        {"type": f"{kind}.added", **at, "part": {**part, member: ""}},
        *(
            {"type": f"{grows}.delta", **at, "delta": piece, **probable, "obfuscation": "pad"}
            for piece in cut(part[member], size)
        ),
        {"type": f"{grows}.done", **at, member: part[member], **probable},
        {"type": f"{kind}.done", **at, "part": part},
    ]
