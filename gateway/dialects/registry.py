"""Every dialect, one line each, and the questions that the rest of the gateway asks about them by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import orjson

from gateway.dialects import (
    anthropic_batches,
    anthropic_count_tokens,
    anthropic_files,
    anthropic_messages,
    bedrock,
    gemini,
    mcp,
    ollama,
    openai_audio,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_files,
    openai_images,
    openai_moderations,
    openai_rerank,
    openai_responses,
    plain,
)
from gateway.dialects.dialect import Dialect, Family, Rpc
from gateway.dialects.reading.encoded import read_body
from gateway.dialects.reading.failure import error_members
from gateway.dialects.reading.framing import SSE, Framing
from gateway.dialects.reading.lines import is_lines
from gateway.dialects.reading.results import result_tools
from gateway.dialects.reading.sse import SseEvent
from gateway.dialects.reading.stream import StreamReader
from gateway.words import Attachment, Completion, Part, Prompt

_IN_UTF_8 = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?: ?; ?charset=(?:utf-8|\"utf-8\"))?", re.ASCII | re.IGNORECASE
)

DIALECTS: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    anthropic_messages.DIALECT,
    anthropic_count_tokens.DIALECT,
    anthropic_batches.DIALECT,
    anthropic_files.DIALECT,
    openai_completions.DIALECT,
    openai_completions.FIM,
    openai_embeddings.DIALECT,
    openai_moderations.DIALECT,
    openai_rerank.DIALECT,
    openai_images.DIALECT,
    openai_audio.DIALECT,
    openai_files.FILES,
    openai_files.UPLOADS,
    openai_files.BATCHES,
    gemini.GENERATE,
    gemini.COUNT_TOKENS,
    gemini.EMBEDDINGS,
    ollama.CHAT,
    ollama.GENERATE,
    ollama.EMBEDDINGS,
    bedrock.CONVERSE,
    bedrock.ANTHROPIC,
    bedrock.COUNT_TOKENS,
    mcp.DIALECT,
    plain.JSON,
    plain.FORM,
    plain.LINES,
    plain.OPAQUE,
    plain.NONE,
)


def find(name: str) -> Dialect:
    """Return the dialect of this name. Raises LookupError when there is none."""
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    raise LookupError(f"no dialect is called {name!r}")


def dialect_names() -> tuple[str, ...]:
    return tuple(dialect.name for dialect in DIALECTS)


def families() -> dict[str, Family]:
    """Return every family that has a dialect, by name, in the order of their first dialects."""
    return {dialect.family.name: dialect.family for dialect in DIALECTS if dialect.family}


def dialect_of(family: str, method: str, path: str, content_type: str, has_body: bool) -> str:
    """Return the name of a request's dialect, by its provider's family, normalized path and content."""
    path = path.removesuffix("/") or path
    if not has_body:
        stored = (dialect.name for dialect in DIALECTS if dialect.keeps(family, method, path))
        return next(stored, plain.NONE.name)
    posted = DIALECTS if method == "POST" else ()
    if is_form(content_type):
        return next((dialect.name for dialect in posted if dialect.takes(family, path)), plain.FORM.name)
    if is_lines(media_type_of(content_type)):
        return plain.LINES.name
    if not is_json(content_type):
        return plain.OPAQUE.name
    return next((dialect.name for dialect in posted if dialect.answers(family, path)), plain.JSON.name)


def media_type_of(content_type: str) -> str:
    """Return the media type of a Content-Type, in lower case, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def named_alike(content_type: str, media_type: str) -> str:
    """Return the content type that goes down for a body read as `media_type`: as the provider spelled it.

    Text without its charset is Latin-1 to some clients. Other parameters stay behind.
    """
    is_alike = media_type_of(content_type) == media_type and _IN_UTF_8.fullmatch(content_type)
    return content_type if is_alike else media_type


def is_form(content_type: str) -> bool:
    """Return whether a Content-Type says that the body is a form of several parts."""
    return media_type_of(content_type) == "multipart/form-data"


def is_json(content_type: str) -> bool:
    """Return whether a Content-Type says that the body is JSON."""
    media_type = media_type_of(content_type)
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def read_prompt(dialect: str, document: Any, path: str = "") -> Prompt:
    """Return the prompt of a parsed request body; `opaque` and `none` have no parts. Raises Malformed."""
    found = find(dialect)
    prompt = found.read_prompt(document)
    if any(part.kind == "tool_result" for part in prompt.parts):
        prompt = replace(prompt, result_tools=result_tools(document))
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


def is_generative(dialect: str) -> bool:
    """Return whether requests of this dialect ask a model for a completion, whether or not they name it."""
    found = find(dialect)
    return found.new_stream is not None and found.rpc is None


def is_stored(dialect: str, method: str, path: str) -> bool:
    """Return whether a request without a body asks for what its provider keeps."""
    found = find(dialect)
    return found.family is not None and found.keeps(found.family.name, method, path)


def came_late(dialect: str, request: str, document: Any) -> bool:
    """Return whether what is stored was made after its request was answered: only reading it tells tokens."""
    found = find(dialect)
    return found.hands_out(request) or (found.late is not None and found.late(document))


def rpc_of(dialect: str) -> Rpc | None:
    """Return what is particular to a dialect whose requests are calls; None when it has conversations."""
    return find(dialect).rpc


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
