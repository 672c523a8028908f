"""Wire formats: which dialect a request speaks, and what its prompts, completions and streams are made of."""

from gateway.dialects.document import Malformed
from gateway.dialects.failure import error_document, error_event
from gateway.dialects.leaves import digits
from gateway.dialects.registry import dialect_of, is_json, read_completion, read_prompt, stream_reader
from gateway.dialects.stream import CallReady, ChannelEnd, Frame, Item, StreamReader, TextDelta, json_event

__all__ = [
    "CallReady",
    "ChannelEnd",
    "Frame",
    "Item",
    "Malformed",
    "StreamReader",
    "TextDelta",
    "dialect_of",
    "digits",
    "error_document",
    "error_event",
    "is_json",
    "json_event",
    "read_completion",
    "read_prompt",
    "stream_reader",
]
