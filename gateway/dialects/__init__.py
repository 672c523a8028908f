"""Wire formats: which dialect a request speaks, and what its prompts, completions and streams are made of."""

from __future__ import annotations

from gateway.dialects.document import (
    Malformed,
    escape,
    parse,
    put,
    serialise,
)
from gateway.dialects.encoding import (
    decompress,
)
from gateway.dialects.failure import (
    error_document,
    error_event,
)
from gateway.dialects.leaves import (
    digits,
)
from gateway.dialects.models import (
    reachable,
)
from gateway.dialects.path import (
    normalise,
)
from gateway.dialects.registry import (
    dialect_of,
    is_json,
    read_completion,
    read_prompt,
    stream_reader,
)
from gateway.dialects.sse import (
    SseDecoder,
    SseEvent,
    comment,
    encode,
)
from gateway.dialects.stream import (
    CallReady,
    ChannelEnd,
    Frame,
    Item,
    StreamReader,
    TextDelta,
    json_event,
)

__all__ = [
    "CallReady",
    "ChannelEnd",
    "Frame",
    "Item",
    "Malformed",
    "SseDecoder",
    "SseEvent",
    "StreamReader",
    "TextDelta",
    "comment",
    "decompress",
    "dialect_of",
    "digits",
    "encode",
    "error_document",
    "error_event",
    "escape",
    "is_json",
    "json_event",
    "normalise",
    "parse",
    "put",
    "reachable",
    "read_completion",
    "read_prompt",
    "serialise",
    "stream_reader",
]
