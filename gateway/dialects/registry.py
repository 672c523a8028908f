"""Every dialect, one line each, and the questions that the rest of the gateway asks about them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import orjson

from gateway.dialects import (
    anthropic_count_tokens,
    anthropic_messages,
    gemini,
    ollama,
    openai_audio,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_images,
    openai_moderations,
    openai_responses,
    plain,
)
from gateway.dialects.dialect import Dialect, Family
from gateway.dialects.reading.encoded import read_body
from gateway.dialects.reading.failure import error_members
from gateway.dialects.reading.framing import SSE, Framing
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import StreamReader
from gateway.words import Attachment, Completion, Part, Prompt

DIALECTS: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    anthropic_messages.DIALECT,
    anthropic_count_tokens.DIALECT,
    openai_completions.DIALECT,
    openai_embeddings.DIALECT,
    openai_moderations.DIALECT,
    openai_images.DIALECT,
    openai_audio.DIALECT,
    gemini.GENERATE,
    gemini.COUNT_TOKENS,
    gemini.EMBEDDINGS,
    ollama.CHAT,
    ollama.GENERATE,
    ollama.EMBEDDINGS,
    plain.JSON,
    plain.OPAQUE,
    plain.NONE,
)


def find(name: str) -> Dialect:
    """Return the dialect of this name. Raises LookupError when there is none."""
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    raise LookupError(f"no dialect is called {name!r}")


def families() -> dict[str, Family]:
    """Return every family that has a dialect, by name, in the order of their first dialects."""
    return {dialect.family.name: dialect.family for dialect in DIALECTS if dialect.family}


def dialect_of(family: str, method: str, path: str, content_type: str, has_body: bool) -> str:
    """Return the name of a request's dialect, by its provider's family, normalized path and content."""
    if not has_body:
        stored = (dialect.name for dialect in DIALECTS if dialect.keeps(family, method, path))
        return next(stored, plain.NONE.name)
    if not is_json(content_type):
        return plain.OPAQUE.name
    for dialect in DIALECTS if method == "POST" else ():
        if dialect.answers(family, path):
            return dialect.name
    return plain.JSON.name


def is_json(content_type: str) -> bool:
    """Return whether a Content-Type says that the body is JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def read_prompt(dialect: str, document: Any, path: str = "") -> Prompt:
    """Return the prompt of a parsed request body; `opaque` and `none` have no parts. Raises Malformed."""
    found = find(dialect)
    prompt = found.read_prompt(document)
    return replace(prompt, stream=True) if found.streams and fnmatchcase(path, found.streams) else prompt


def read_completion(dialect: str, document: Any) -> Completion:
    """Return the completion of a parsed JSON response body, whatever its request was.

    Raises Malformed when it is neither a completion of the dialect nor an error.
    """
    return find(dialect).read_completion(document)


def answers_media(dialect: str, media_type: str) -> bool:
    """Return whether an answer of this media type is media that the dialect's models make."""
    return any(fnmatchcase(media_type, pattern) for pattern in find(dialect).media)


def read_media(body: bytes, media_type: str) -> Completion:
    """Return the completion of a body that is media. Text in its place is a part that cannot be masked."""
    found = read_body(body, media_type)
    parts = () if found.text is None else (Part("assistant", "text", "", found.text, "structural"),)
    return Completion(parts, (Attachment(media_type.partition("/")[0], found.media_type, found.size),))


def read_error(document: Any) -> Completion:
    """Return the parts of an error's body. It may repeat a request that holds tool calls."""
    return plain.read_fields(document)


def stream_reader(dialect: str) -> StreamReader | None:
    """Return a reader for one streamed completion; None where the dialect has no streams that can be read."""
    new_stream = find(dialect).new_stream
    return new_stream() if new_stream else None


def framing(dialect: str, media_type: str, asked: bool) -> Framing | None:
    """Return how a stream of this dialect is framed, None when an answer of this media type is no stream.

    `asked`: whether the request wants a stream, which some send as JSON.
    """
    found = find(dialect)
    if found.new_stream is None:
        return None
    known = (SSE, *(found.framings if asked else ()))
    return next((one for one in known if one.media_type == media_type), None)


def is_sse_only(dialect: str) -> bool:
    """Return whether streams of this dialect are always server-sent events, which have comments."""
    return not find(dialect).framings


def usual_path(family: str) -> str:
    """Return the path that a conversation with a provider of this family usually takes."""
    return next(one.usual_path for one in DIALECTS if one.usual_path and one.family is families()[family])


def demo_answer(family: str, path: str, body: bytes, number: int) -> dict[str, Any] | list[SseEvent] | None:
    """Return what the built-in demo provider answers: a body, or events; None where it has no such path.

    Raises ValueError, TypeError, AttributeError or KeyError on a body that it cannot read.
    """
    for dialect in DIALECTS:
        if dialect.demo and dialect.answers(family, path):
            asked = {"stream": True} if dialect.streams and fnmatchcase(path, dialect.streams) else {}
            return dialect.demo({**orjson.loads(body), **asked}, number)
    return None


def error_document(family: str, code: str, message: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a refusal; `extra` (decision_id, reasons, …) goes inside its `error` object.

    The family is "" while no provider is known: the first one's shape serves then.
    """
    return _family(family).error_document(error_members(code, message, extra))


def error_event(family: str, document: Mapping[str, Any]) -> SseEvent:
    """Return the event that ends a stream with `document`, as the SDKs of the family raise it."""
    return _family(family).error_event(document)


def _family(name: str) -> Family:
    known = families()
    return known[name] if name else next(iter(known.values()))
