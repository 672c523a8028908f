"""`anthropic.messages`: the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.calls import pointers_below
from gateway.dialects.document import Malformed
from gateway.dialects.leaves import (
    FIELD,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    encrypted,
    free,
    labelled,
    structural,
    words,
)
from gateway.dialects.scalars import integer, mapping, mappings, number, string, total
from gateway.exchange import Completion, Parameters, Part, Prompt, Tool, ToolCall, Usage

ASSISTANT: Label = ("assistant", "text")
CALL_TYPES = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))
_LABELS: Mapping[str, Label] = {
    "user": ("user", "text"),
    "assistant": ASSISTANT,
    "system": ("system", "system"),
}


def read_prompt(document: Any) -> Prompt:
    """The prompt of a request body. Whatever has an unexpected shape is read as fields."""
    walk = Walk(_REQUEST)
    if not isinstance(document, dict):
        walk.free(document, "", FIELD)
        return Prompt(tuple(walk.parts), tuple(walk.attachments))
    walk.members(document, "", FIELD)
    return Prompt(
        parts=tuple(walk.parts),
        attachments=tuple(walk.attachments),
        tools=tuple(
            Tool(string(tool, "name") or string(tool, "type"), string(tool, "description"))
            for _, tool in mappings(document.get("tools"))
        ),
        model=string(document, "model"),
        stream=document.get("stream") is True,
        parameters=Parameters(
            max_tokens=integer(document, "max_tokens"), temperature=number(document, "temperature")
        ),
    )


def read_completion(document: Any) -> Completion:
    """The completion of a response body, an error's included.

    Raises Malformed when its content is not shaped so that every tool call in it can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a message object")
    parts, attachments = read_parts(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=_tool_calls(document["content"], parts) if "content" in document else (),
        model=string(document, "model"),
        finish_reason=string(document, "stop_reason"),
        usage=read_usage(mapping(document, "usage")),
    )


def read_parts(document: dict[str, Any]) -> tuple[tuple[Part, ...], tuple[Any, ...]]:
    """The parts and attachments of a response body or of one event of its stream."""
    walk = Walk(_RESPONSE)
    walk.members(document, "", ASSISTANT if document.get("type") == "message" else FIELD)
    return tuple(walk.parts), tuple(walk.attachments)


def read_call_parts(block: dict[str, Any], at: str) -> tuple[Part, ...]:
    """The parts of one tool-use block that stands at `at`."""
    walk = Walk(_RESPONSE)
    walk.members(block, at, ("assistant", "tool_call"))
    return tuple(walk.parts)


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens counted; those read from and written to the cache were sent, too."""
    sent = total(usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Usage(sent, integer(usage, "output_tokens"))


def call_name(block: Mapping[str, Any]) -> str:
    """The tool that a tool-use block calls. Raises Malformed when it names none."""
    name = block.get("name")
    if not isinstance(name, str):
        raise Malformed("expected a tool call to have a name")
    return name


def _tool_calls(content: Any, parts: tuple[Part, ...]) -> tuple[ToolCall, ...]:
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise Malformed("expected a list of content blocks")
    calls = []
    for index, block in enumerate(content):
        if not isinstance(block.get("type"), str):
            raise Malformed("expected a content block to have a type")
        if block["type"] in CALL_TYPES:
            arguments = block.get("input")
            pointers = pointers_below(parts, f"/content/{index}/input")
            calls.append(
                ToolCall(call_name(block), arguments if isinstance(arguments, dict) else None, pointers)
            )
    return tuple(calls)


def _by_type(block: Mapping[str, Any], label: Label) -> Label:
    """A content block says by its type when it is a tool's call or result; else it speaks for its message."""
    kind = block.get("type")
    if label[1] != "text" or not isinstance(kind, str):
        return label
    if kind in CALL_TYPES:
        return (label[0], "tool_call")
    return ("tool", "tool_result") if kind.endswith("tool_result") else label


def _messages(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Only a message's own role says who speaks; a `role` deeper inside is a field like others."""
    if not isinstance(value, list):
        walk.syntax(value, at, label)
        return
    for index, message in enumerate(value):
        if isinstance(message, dict):
            walk.members(message, f"{at}/{index}", _LABELS.get(string(message, "role"), FIELD))
        else:
            walk.syntax(message, f"{at}/{index}", label)


def _system(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _speech(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """What holds or carries content in a response; the message of an error is a string."""
    walk.syntax(value, at, ASSISTANT if isinstance(value, dict) else label)


def _data(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """`data` is media in a base64 source, sealed in redacted thinking, and text in a text source."""
    kind = parent.get("type")
    if kind == "base64":
        media_type = string(parent, "media_type")
        walk.encoded(value, at, label, "image" if media_type.startswith("image/") else "file", media_type)
    elif kind == "redacted_thinking":
        walk.encoded(value, at, label, "encrypted")
    else:
        walk.syntax(value, at, label)


def _signature(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if parent.get("type") in ("thinking", "signature_delta"):
        walk.encoded(value, at, label, "signature")
    else:
        walk.syntax(value, at, label)


_STRUCTURAL = words(
    """
    model type id role name tool_use_id tool_id tool_name toolset_name file_id media_type stop_reason
    service_tier ttl effort display speed inference_geo error_code category request_id skill_id version
    allowed_callers
    """
)

_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("metadata", "input_schema", "schema", "input", "input_examples"), free),
    **dict.fromkeys(("encrypted_content", "encrypted_index", "encrypted_stdout"), encrypted),
    "tools": labelled("tool_definition"),
    "output_config": labelled("tool_definition"),
    "output_format": labelled("tool_definition"),
    "messages": _messages,
    "system": _system,
    "data": _data,
    "signature": _signature,
}

_COMMON = words(
    """
    content text thinking source url title context citations cited_text document_title document_index
    start_char_index end_char_index start_page_number end_page_number start_block_index end_block_index
    search_result_index page_age retrieved_at stdout stderr return_code caller container is_error
    error_message tool_references lines new_lines new_start old_lines old_start num_lines start_line
    total_lines file_type is_file_update enabled
    """
)

# Keys of the schema: https://platform.claude.com/docs/en/api/messages (request)
_REQUEST_WORDS = words(
    """
    max_tokens stream temperature top_k top_p stop_sequences tool_choice disable_parallel_tool_use
    budget_tokens cache_control description strict defer_loading eager_input_streaming max_uses
    max_characters max_content_tokens allowed_domains blocked_domains user_location format mcp_servers
    authorization_token tool_configuration allowed_tools context_management edits
    """
)

# Keys of the schema: https://platform.claude.com/docs/en/api/messages (response), /streaming, /errors
_RESPONSE_WORDS = words(
    """
    stop_sequence stop_details explanation usage expires_at skills message error index content_block
    delta partial_json citation input_tokens output_tokens cache_creation cache_creation_input_tokens
    cache_read_input_tokens ephemeral_1h_input_tokens ephemeral_5m_input_tokens output_tokens_details
    thinking_tokens server_tool_use web_search_requests web_fetch_requests estimated_tokens
    """
)

_REQUEST = Grammar(_COMMON | _REQUEST_WORDS | _READERS.keys(), _READERS, _by_type)
_RESPONSE = Grammar(
    _COMMON | _RESPONSE_WORDS | _READERS.keys(),
    {
        **_READERS,
        "usage": counted,
        "estimated_tokens": counted,
        **dict.fromkeys(("message", "content_block", "delta"), _speech),
    },
    _by_type,
)
VOCABULARY = _REQUEST.words | _RESPONSE.words
