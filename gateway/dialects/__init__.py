"""Wire formats: which dialect a request speaks, and what its prompts, completions and streams are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.facade import on_demand

if TYPE_CHECKING:
    from gateway.dialects.opening import AnswerBody, Body, open_answer, open_body
    from gateway.dialects.reading.document import (
        Malformed,
        at,
        drop,
        escape,
        parse,
        put,
        rename_keys,
        serialize,
    )
    from gateway.dialects.reading.encoding import decompress
    from gateway.dialects.reading.framing import SSE, Encoder, Framing
    from gateway.dialects.reading.leaves import digits
    from gateway.dialects.reading.models import reachable
    from gateway.dialects.reading.path import decoded, endpoint, normalize
    from gateway.dialects.reading.sse import SseDecoder, SseEvent, comment, encode
    from gateway.dialects.reading.stream import (
        CallReady,
        ChannelEnd,
        Item,
        OtherEvent,
        SignedBlock,
        StreamReader,
        TextDelta,
        Tokens,
        json_event,
    )
    from gateway.dialects.reading.strict import DuplicateKey, strict_json
    from gateway.dialects.reading.tokens import hidden
    from gateway.dialects.reading.tools import schema_digest, tool_schema
    from gateway.dialects.registry import (
        answers_media,
        came_late,
        demo_answer,
        dialect_names,
        dialect_of,
        error_document,
        error_event,
        families,
        find,
        framing,
        is_form,
        is_generative,
        is_json,
        is_sse_only,
        is_stored,
        media_type_of,
        named_alike,
        read_completion,
        read_error,
        read_media,
        read_prompt,
        rpc_of,
        stream_reader,
        usual_path,
    )
else:
    __getattr__ = on_demand(__name__)

__all__ = [
    "SSE",
    "AnswerBody",
    "Body",
    "CallReady",
    "ChannelEnd",
    "DuplicateKey",
    "Encoder",
    "Framing",
    "Item",
    "Malformed",
    "OtherEvent",
    "SignedBlock",
    "SseDecoder",
    "SseEvent",
    "StreamReader",
    "TextDelta",
    "Tokens",
    "answers_media",
    "at",
    "came_late",
    "comment",
    "decoded",
    "decompress",
    "demo_answer",
    "dialect_names",
    "dialect_of",
    "digits",
    "drop",
    "encode",
    "endpoint",
    "error_document",
    "error_event",
    "escape",
    "families",
    "find",
    "framing",
    "hidden",
    "is_form",
    "is_generative",
    "is_json",
    "is_sse_only",
    "is_stored",
    "json_event",
    "media_type_of",
    "named_alike",
    "normalize",
    "open_answer",
    "open_body",
    "parse",
    "put",
    "reachable",
    "read_completion",
    "read_error",
    "read_media",
    "read_prompt",
    "rename_keys",
    "rpc_of",
    "schema_digest",
    "serialize",
    "stream_reader",
    "strict_json",
    "tool_schema",
    "usual_path",
]
