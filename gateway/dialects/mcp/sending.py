"""One sending of a request and another: they differ by an id, and each answer has that of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.dialects.reading.document import Malformed, parse, serialize
from gateway.dialects.reading.scalars import mapping, mappings
from gateway.dialects.reading.sse import SseDecoder, SseEvent, encode

_RELATED = "io.modelcontextprotocol/related-task"
_PER_SENDING = frozenset(("progressToken", "traceparent", "tracestate", "baggage"))


def bound(document: Any) -> Any:
    """Return a message without what is new in every sending of it."""
    rest = {key: value for key, value in document.items() if key != "id"}
    params = rest.get("params")
    if isinstance(params, dict) and isinstance(meta := params.get("_meta"), dict):
        kept = {key: value for key, value in meta.items() if key not in _PER_SENDING}
        rest["params"] = {**params, "_meta": kept}
    return rest


def expects_answer(document: Any) -> bool:
    """Return whether a message is a request; nothing answers notifications and answers."""
    return isinstance(document, dict) and "method" in document and "id" in document


def addressed(answer: Any, request: Any) -> Any:
    """Return an answer as the one to `request`; any other message as it is."""
    if isinstance(answer, dict) and "method" not in answer and expects_answer(request):
        return {**answer, "id": request["id"]}
    return answer


def replayed(body: bytes, request: Any) -> bytes:
    """Return a body, JSON or events, that answered an earlier sending as one that answers `request`."""
    try:
        return serialize(addressed(parse(body), request))
    except Malformed:
        events = SseDecoder(len(body)).feed(body + b"\n\n")
        return b"".join(encode(_addressed(event, request)) for event in events)


def tasks(document: Any) -> frozenset[str]:
    """Return the ids of tasks that a message names: as begun, asked for, listed or listened to."""
    if not isinstance(document, dict):
        return frozenset()
    holders = [mapping(document, "params"), mapping(document, "result")]
    for holder in tuple(holders):
        holders += [mapping(holder, "task"), mapping(holder, "notifications")]
        holders.append(mapping(mapping(holder, "_meta"), _RELATED))
        holders += [task for _, task in mappings(holder.get("tasks"))]
    several = [one for holder in holders if isinstance(ids := holder.get("taskIds"), list) for one in ids]
    named = [*(holder.get("taskId") for holder in holders), *several]
    return frozenset(one for one in named if isinstance(one, str))


def is_endless(document: Any) -> bool:
    """Return whether the stream that answers a message, or a request without a body, may never end."""
    return document is None or (
        isinstance(document, dict) and document.get("method") == "subscriptions/listen"
    )


def _addressed(event: SseEvent, request: Any) -> SseEvent:
    if not event.data:
        return event
    return replace(event, data=serialize(addressed(parse(event.data.encode()), request)).decode())
