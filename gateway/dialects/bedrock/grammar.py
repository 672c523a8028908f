"""The grammar of Converse: the words of its schema, and who speaks where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.encoded import read_media, read_sealed
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    Label,
    Reader,
    Walk,
    counted,
    free,
    grammars,
    labeled,
    messages,
    signed,
    structural,
    url,
    words,
)
from gateway.dialects.reading.scalars import mapping, string

_LABELS: Mapping[str, Label] = {
    "user": ("user", "text"),
    "assistant": ASSISTANT,
    "system": ("system", "system"),
}
_KINDS: Mapping[str, str] = {"image": "image", "audio": "audio"}  # of attachments; others are files
_TEXTS: Mapping[str, str] = {
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
}


def _by_member(block: Mapping[str, Any], label: Label) -> Label:
    """Label a content block by its one member, when that is no speech; what is null is not there."""
    if label[1] != "text":
        return label
    held = {key for key, value in block.items() if value is not None}
    if "toolUse" in held:
        return (label[0], "tool_call")
    if "toolResult" in held:
        return ("tool", "tool_result")
    if held & {"document", "searchResult"}:  # what the user passes on, not what the user says
        return (label[0], "tool_result")
    return label


def _system(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _variables(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read what fills a prompt that is kept by the provider."""
    walk.references.append("prompt")
    walk.free(value, at, ("user", "text"))


def _speech(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Label what holds a message or a piece of one; the message of an error is a string."""
    walk.syntax(value, at, ASSISTANT if isinstance(value, dict) else label)


def _reasoning(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what a model thought: its provider signs it, so the block that holds it goes or stays.

    Callers sign nothing: in a prompt it is text unless it brings the provider's seal.
    """
    is_answer = at.startswith(("/output/", "/delta/"))
    walk.block = at.rpartition("/")[0]
    walk.syntax(value, at, signed(label) if is_answer or _is_sealed(value) else label)
    walk.block = ""


def _is_sealed(reasoning: Any) -> bool:
    if not isinstance(reasoning, dict):
        return False
    return bool(reasoning.get("redactedContent") or mapping(reasoning, "reasoningText").get("signature"))


def _signature(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "signature", read_sealed(value))


def _redacted(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "encrypted", read_sealed(value))


def _media(kind: str) -> Reader:
    def read(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
        """Read media: the bytes of the source are exempt as far as they are what they should be."""
        source = value.get("source") if isinstance(value, dict) else None
        if not isinstance(source, dict) or "bytes" not in source:
            walk.syntax(value, at, label)
            return
        walk.members({key: item for key, item in value.items() if key != "source"}, at, label)
        walk.members({key: item for key, item in source.items() if key != "bytes"}, f"{at}/source", label)
        form = string(value, "format")
        plain = "jpeg" if form == "jpg" else form
        named = f"application/{form}" if kind == "document" else f"{kind}/{plain}"
        found = read_media(source["bytes"], _TEXTS.get(form, named) if kind == "document" else named)
        walk.encoded(source["bytes"], f"{at}/source/bytes", label, _KINDS.get(kind, "file"), found)

    return read


def _name(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a name: that of a document is words like others, that of a tool is syntax."""
    if "source" in parent:
        walk.syntax(value, at, label)
    else:
        walk.structural(value, at, label)


def _input(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what a tool is called with; where tokens are counted, the request is the input."""
    if at == "/input":
        walk.syntax(value, at, label)
    else:
        walk.free(value, at, label)


def _json(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read JSON: a schema where a tool is offered, what a tool gave elsewhere."""
    if at.endswith("/inputSchema/json"):
        walk.schema(value, at, label)
    else:
        walk.free(value, at, label)


def _body(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a body of a model's own API in base64: its text can only be refused."""
    walk.encoded(value, at, label, "file", read_media(value, "application/json"))


def _uri(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.references.append("s3Location")
    walk.fetched(value, at, label)


def _source(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read where something is from: a text is an address."""
    if isinstance(value, str):
        url(walk, parent, value, at, label)
    else:
        walk.syntax(value, at, label)


# Keys of the schema: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
_READERS: dict[str, Reader] = {
    **dict.fromkeys(
        words(
            """
            role format toolUseId status type ttl serverName bucketOwner qualifiers latency effort
            guardrailIdentifier guardrailVersion projectIdentifier stopReason invokedModelId
            """
        ),
        structural,
    ),
    **dict.fromkeys(
        words("additionalModelRequestFields additionalModelResponseFields requestMetadata"), free
    ),
    **dict.fromkeys(words("toolConfig outputConfig"), labeled("tool_definition")),
    **{kind: _media(kind) for kind in ("image", "document", "video", "audio")},
    "messages": messages(_LABELS),
    "system": _system,
    "promptVariables": _variables,
    "reasoningContent": _reasoning,
    "signature": _signature,
    "redactedContent": _redacted,
    "name": _name,
    "input": _input,
    "json": _json,
    "body": _body,
    "uri": _uri,
    "source": _source,
    "url": url,
}
_COMMON = words(
    """
    text content toolUse toolResult guardContent cachePoint reasoningText citationsContent citations
    searchResult toolAddition toolRemoval tool bytes s3Location context enabled error message title
    sourceContent location web domain documentChar documentPage documentChunk searchResultLocation
    documentIndex searchResultIndex start end performanceConfig serviceTier
    """
)
_REQUEST_WORDS = words(
    """
    converse invokeModel inferenceConfig maxTokens temperature topP stopSequences tools toolSpec description
    inputSchema strict systemTool toolChoice auto any guardrailConfig trace streamProcessingMode
    additionalModelResponseFieldPaths textFormat structure jsonSchema schema
    """
)
_RESPONSE_WORDS = words(
    """
    output delta start usage metrics trace citation contentBlockIndex promptRouter inputTokens outputTokens
    totalTokens latencyMs cacheReadInputTokens cacheWriteInputTokens cacheDetails originalStatusCode
    originalMessage
    """
)
REQUEST, RESPONSE = grammars(
    _COMMON,
    _READERS,
    _by_member,
    request=_REQUEST_WORDS,
    response=_RESPONSE_WORDS,
    response_readers={
        **dict.fromkeys(words("usage metrics"), counted),
        **dict.fromkeys(words("message delta start"), _speech),
        "trace": free,  # of guardrails: what they found, in their own words
        "inputTokens": counted,
    },
)
VOCABULARY = REQUEST.words | RESPONSE.words
