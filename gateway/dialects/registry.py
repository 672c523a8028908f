"""Which dialect a request speaks, and who reads it."""

from __future__ import annotations

from typing import Any

from gateway.dialects import anthropic_messages, openai_chat, plain
from gateway.dialects.anthropic_stream import AnthropicStream
from gateway.dialects.openai_stream import OpenAIStream
from gateway.dialects.stream import StreamReader
from gateway.words import Completion, Dialect, Family, Prompt


def dialect_of(family: Family, method: str, path: str, content_type: str, has_body: bool) -> Dialect:
    """The dialect of a request, by its provider's family and the end of its normalised path."""
    if not has_body:
        return "none"
    if not is_json(content_type):
        return "opaque"
    if method == "POST" and family == "openai" and path.endswith("/chat/completions"):
        return "openai.chat"
    if method == "POST" and family == "anthropic" and path.endswith("/v1/messages"):
        return "anthropic.messages"
    return "json"


def is_json(content_type: str) -> bool:
    """Whether a Content-Type says that the body is JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def read_prompt(dialect: Dialect, document: Any) -> Prompt:
    """The prompt of a parsed request body; an `opaque` body and none at all have no parts."""
    if dialect == "openai.chat":
        return openai_chat.read_prompt(document)
    if dialect == "anthropic.messages":
        return anthropic_messages.read_prompt(document)
    return plain.read_prompt(document) if dialect == "json" else Prompt()


def read_completion(dialect: Dialect, document: Any) -> Completion:
    """The completion of a parsed JSON response body, whatever its request was.

    Raises Malformed when it is not a completion of the dialect nor an error.
    """
    if dialect == "openai.chat":
        return openai_chat.read_completion(document)
    if dialect == "anthropic.messages":
        return anthropic_messages.read_completion(document)
    return plain.read_completion(document)


def stream_reader(dialect: Dialect) -> StreamReader | None:
    """A reader for one streamed completion; None where the dialect has no streams that can be read."""
    if dialect == "openai.chat":
        return OpenAIStream()
    if dialect == "anthropic.messages":
        return AnthropicStream()
    return None
