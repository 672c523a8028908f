"""Wire formats: which dialect a request speaks, and what its prompts, completions and streams are made of."""

from __future__ import annotations

from gateway.dialects.reading.document import Malformed, at, drop, escape, parse, put, rename_keys, serialize
from gateway.dialects.reading.encoding import decompress
from gateway.dialects.reading.framing import SSE, Encoder, Framing
from gateway.dialects.reading.leaves import digits
from gateway.dialects.reading.models import reachable
from gateway.dialects.reading.path import normalize
from gateway.dialects.reading.sse import SseDecoder, SseEvent, comment, encode
from gateway.dialects.reading.stream import (
    CallReady,
    ChannelEnd,
    Item,
    OtherEvent,
    StreamReader,
    TextDelta,
    json_event,
)
from gateway.dialects.reading.strict import DuplicateKey, strict_json
from gateway.dialects.registry import (
    answers_media,
    demo_answer,
    dialect_of,
    error_document,
    error_event,
    families,
    find,
    framing,
    is_json,
    is_sse_only,
    read_completion,
    read_error,
    read_media,
    read_prompt,
    stream_reader,
    usual_path,
)

__all__ = [
    "SSE",
    "CallReady",
    "ChannelEnd",
    "DuplicateKey",
    "Encoder",
    "Framing",
    "Item",
    "Malformed",
    "OtherEvent",
    "SseDecoder",
    "SseEvent",
    "StreamReader",
    "TextDelta",
    "answers_media",
    "at",
    "comment",
    "decompress",
    "demo_answer",
    "dialect_of",
    "digits",
    "drop",
    "encode",
    "error_document",
    "error_event",
    "escape",
    "families",
    "find",
    "framing",
    "is_json",
    "is_sse_only",
    "json_event",
    "normalize",
    "parse",
    "put",
    "reachable",
    "read_completion",
    "read_error",
    "read_media",
    "read_prompt",
    "rename_keys",
    "serialize",
    "stream_reader",
    "strict_json",
    "usual_path",
]
