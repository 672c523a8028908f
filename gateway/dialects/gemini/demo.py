"""How the built-in demo provider speaks Gemini's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.openai_embeddings.demo import vector_of
from gateway.dialects.reading.echo import estimated_tokens, split_words
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import json_event

_DIMENSIONS = 8


def demo(body: Mapping[str, Any], number: int) -> dict[str, Any] | list[SseEvent]:
    """Return the body of an answer, or the events of its stream when the prompt asks for one."""
    reply = _reply(body)
    sent, answered = estimated_tokens(body, reply)
    usage = {"promptTokenCount": sent, "candidatesTokenCount": answered, "totalTokenCount": sent + answered}
    if not body.get("stream"):
        return {**_chunk(reply, number, "STOP"), "usageMetadata": usage}
    events = [json_event(_chunk(word, number)) for word in split_words(reply)]
    return [*events, json_event({**_chunk("", number, "STOP"), "usageMetadata": usage})]


def demo_count(body: Mapping[str, Any], _: int) -> dict[str, Any]:
    """Return about how many tokens a prompt has."""
    return {"totalTokens": estimated_tokens(body, "")[0]}


def demo_embedding(body: Mapping[str, Any], _: int) -> dict[str, Any]:
    """Return a vector for each content."""
    if "requests" in body:
        contents = [request["content"] for request in body["requests"]]
        return {"embeddings": [{"values": vector_of(one, _DIMENSIONS)} for one in contents]}
    return {"embedding": {"values": vector_of(body["content"], _DIMENSIONS)}}


def _reply(body: Mapping[str, Any]) -> str:
    contents = body["contents"]
    said = [one for one in contents if one.get("role", "user") == "user"]
    parts = said[-1]["parts"] if said else []
    return "You said: " + "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _chunk(text: str, number: int, finish: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "demo", "responseId": f"demo{number}"}
