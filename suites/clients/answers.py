"""What a model says, a text or one tool call, in the words of each API: whole, or as a stream's events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_SIZE = 5  # characters of a piece, so that placeholders arrive cut
Events = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool, and what it is called with."""

    name: str
    arguments: dict[str, Any]


Said = str | Call


def chat(said: Said, model: str) -> dict[str, Any]:
    """Return a chat completion of OpenAI."""
    message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    if isinstance(said, Call):
        message |= {"content": None, "tool_calls": [_function(said, json.dumps(said.arguments))]}
    finish = "tool_calls" if isinstance(said, Call) else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return {**_head("chat.completion", model), "choices": [choice], "usage": usage}


def chat_events(said: Said, model: str) -> Events:
    """Return the chunks of that completion."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**_head("chat.completion.chunk", model), "choices": [choice]}

    yield chunk({"role": "assistant", "content": None if isinstance(said, Call) else ""})
    if isinstance(said, Call):
        yield chunk({"tool_calls": [{"index": 0, **_function(said, "")}]})
        for piece in _cut(json.dumps(said.arguments)):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        yield chunk({}, "tool_calls")
    else:
        yield from (chunk({"content": piece}) for piece in _cut(said))
        yield chunk({}, "stop")
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    yield {**_head("chat.completion.chunk", model), "choices": [], "usage": usage}


def responses(said: Said, model: str) -> dict[str, Any]:
    """Return a response of OpenAI."""
    return _response(model, "completed", [_item(said)])


def responses_events(said: Said, model: str) -> Events:
    """Return the events of that response."""
    for number, event in enumerate(_response_events(said, model)):
        yield {**event, "sequence_number": number}


def _response_events(said: Said, model: str) -> Events:
    item = _item(said)
    at = {"item_id": item["id"], "output_index": 0}
    yield {"type": "response.created", "response": _response(model, "in_progress", [])}
    if isinstance(said, Call):
        begun = {**item, "arguments": "", "status": "in_progress"}
        grows, member, inside, text = "response.function_call_arguments", "arguments", {}, item["arguments"]
    else:
        begun = {**item, "content": [], "status": "in_progress"}
        grows, member, text = "response.output_text", "text", said
        inside = {"content_index": 0, "logprobs": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    if not isinstance(said, Call):
        part = {**item["content"][0], "text": ""}
        yield {"type": "response.content_part.added", **at, "content_index": 0, "part": part}
    for piece in _cut(text):
        yield {"type": f"{grows}.delta", **at, **inside, "delta": piece}
    yield {"type": f"{grows}.done", **at, **inside, member: text}
    if not isinstance(said, Call):
        yield {"type": "response.content_part.done", **at, "content_index": 0, "part": item["content"][0]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": _response(model, "completed", [item])}


def _item(said: Said) -> dict[str, Any]:
    if isinstance(said, Call):
        head = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1"}
        return {**head, "name": said.name, "arguments": json.dumps(said.arguments)}
    content = {"type": "output_text", "text": said, "annotations": [], "logprobs": []}
    head = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    return {**head, "content": [content]}


def _response(model: str, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1795334400,
        "status": status,
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 9,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 18,
        },
    }


def messages(said: Said, model: str) -> dict[str, Any]:
    """Return a message of Anthropic."""
    block: dict[str, Any] = {"type": "text", "text": said}
    if isinstance(said, Call):
        block = {"type": "tool_use", "id": "toolu_1", "name": said.name, "input": said.arguments}
    stop = "tool_use" if isinstance(said, Call) else "end_turn"
    usage = {"input_tokens": 9, "output_tokens": 9}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}
    return {**head, "content": [block], "stop_reason": stop, "usage": usage}


def messages_events(said: Said, model: str) -> Events:
    """Return the events of that message."""
    whole = messages(said, model)
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    (block,) = whole["content"]
    if isinstance(said, Call):
        opening, kind, member = {**block, "input": {}}, "input_json_delta", "partial_json"
        text = json.dumps(said.arguments)
    else:
        opening, kind, member, text = {**block, "text": ""}, "text_delta", "text", said
    yield {"type": "content_block_start", "index": 0, "content_block": opening}
    for piece in _cut(text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": kind, member: piece}}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}
    yield {"type": "message_stop"}


def gemini(said: Said, model: str) -> dict[str, Any]:
    """Return an answer of Gemini."""
    if isinstance(said, Call):
        return _candidate({"functionCall": {"name": said.name, "args": said.arguments}}, model, "STOP")
    return _candidate({"text": said}, model, "STOP")


def gemini_events(said: Said, model: str) -> Events:
    """Return the same in pieces; a call comes whole, as Gemini sends it."""
    if isinstance(said, Call):
        yield gemini(said, model)
    else:
        yield from (_candidate({"text": piece}, model, None) for piece in _cut(said))
        yield _candidate({"text": ""}, model, "STOP")


def converse(said: Said, _: str = "") -> dict[str, Any]:
    """Return an answer of Converse."""
    block: dict[str, Any] = {"text": said}
    if isinstance(said, Call):
        block = {"toolUse": {"toolUseId": "tooluse_1", "name": said.name, "input": said.arguments}}
    message = {"role": "assistant", "content": [block]}
    usage = {"inputTokens": 9, "outputTokens": 9, "totalTokens": 18}
    stop = "tool_use" if isinstance(said, Call) else "end_turn"
    return {"output": {"message": message}, "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 9}}


def converse_events(said: Said, _: str) -> Events:
    """Return the same in pieces, each under its event's name."""
    whole, at = converse(said), {"contentBlockIndex": 0}
    yield {"messageStart": {"role": "assistant"}}
    if isinstance(said, Call):
        start = {"toolUse": {"toolUseId": "tooluse_1", "name": said.name}}
        yield {"contentBlockStart": {**at, "start": start}}
    for piece in _cut(json.dumps(said.arguments) if isinstance(said, Call) else said):
        delta = {"toolUse": {"input": piece}} if isinstance(said, Call) else {"text": piece}
        yield {"contentBlockDelta": {**at, "delta": delta, "p": "abc"}}
    yield {"contentBlockStop": at}
    yield {"messageStop": {"stopReason": whole["stopReason"]}}
    yield {"metadata": {"usage": whole["usage"], "metrics": whole["metrics"]}}


def ollama(said: Said, model: str) -> dict[str, Any]:
    """Return an answer of Ollama."""
    *_, last = ollama_lines(said, model)
    calls = [{"function": {"name": said.name, "arguments": said.arguments}}] if isinstance(said, Call) else []
    message = {
        "role": "assistant",
        "content": "" if calls else said,
        **({"tool_calls": calls} if calls else {}),
    }
    return {**last, "message": message}


def ollama_lines(said: Said, model: str) -> Events:
    """Return the lines of that answer; a call comes whole, as Ollama sends it."""
    head = {"model": model, "created_at": "2026-11-28T06:00:00Z"}
    if isinstance(said, Call):
        calls = [{"function": {"name": said.name, "arguments": said.arguments}}]
        yield {**head, "message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": False}
    for piece in _cut("" if isinstance(said, Call) else said):
        yield {**head, "message": {"role": "assistant", "content": piece}, "done": False}
    ended = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 9}
    yield {**head, "message": {"role": "assistant", "content": ""}, **ended}


def _candidate(part: dict[str, Any], model: str, finish: str | None) -> dict[str, Any]:
    ended = {"finishReason": finish} if finish else {}
    candidate = {"content": {"role": "model", "parts": [part]}, "index": 0, **ended}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}


def _function(call: Call, raw: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": call.name, "arguments": raw}}


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1795334400, "model": model}


def _cut(text: str) -> Iterable[str]:
    return (text[at : at + _SIZE] for at in range(0, len(text), _SIZE))
