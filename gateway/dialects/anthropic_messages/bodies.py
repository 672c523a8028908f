"""`anthropic.messages`: the Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.calls import (
    call_name,
    is_unfinished,
    names_call,
    pointers_below,
    refuse_calls,
    refuse_unknown_call,
)
from gateway.dialects.reading.document import Malformed, drop
from gateway.dialects.reading.encoded import read_media
from gateway.dialects.reading.leaves import (
    ASSISTANT,
    FIELD,
    Label,
    Leaves,
    Reader,
    Walk,
    counted,
    free,
    grammars,
    labeled,
    messages,
    reference,
    schema,
    sealed,
    signed,
    structural,
    url,
    words,
)
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import integer, mapping, mappings, number, string, total
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Completion, Parameters, Part, Prompt, ToolCall, Usage

# Of https://platform.claude.com/docs/en/api/messages, beta features included, calls and results left out.
_BLOCK_TYPES = frozenset(
    (
        *("text", "thinking", "redacted_thinking", "container_upload"),
        *("compaction", "fallback", "mcp_tool_listing"),
    )
)
_SIGNED = frozenset(("thinking", "redacted_thinking", "compaction"))  # only their provider may edit them
_LABELS: Mapping[str, Label] = {
    "user": ("user", "text"),
    "assistant": ASSISTANT,
    "system": ("system", "system"),
}


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields.

    Thinking that was not passed on whole is taken out of the document: its provider would refuse it.
    """
    _leave_out_withheld(document)
    walk = _REQUEST.walk(document)
    parts, attachments = walk.leaves()
    if not isinstance(document, dict):
        return Prompt(parts, attachments)
    return Prompt(
        parts=parts,
        attachments=attachments,
        tools=tuple(read_offers(document)),
        model=string(document, "model"),
        models=named_models(document),
        stream=document.get("stream") is True,
        parameters=Parameters(
            max_tokens=integer(document, "max_tokens"), temperature=number(document, "temperature")
        ),
        unseen=walk.unseen(),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its content is not shaped so that every tool call in it can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a message object")
    withheld = withhold_unfinished(document)
    parts, attachments = read_parts(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=_tool_calls(document, parts),
        model=string(document, "model"),
        finish_reason=string(document, "stop_reason"),
        usage=read_usage(mapping(document, "usage")),
        withheld_calls=withheld,
        unknown=_unknown(document),
    )


def _leave_out_withheld(document: Any) -> None:
    """Take out blocks that a stream broke off, as their signature says; messages of nothing else, too."""
    messages = document.get("messages") if isinstance(document, dict) else None
    empty = []
    for place, message in mappings(messages):
        withheld = [
            f"/content/{index}"
            for index, block in mappings(message.get("content"))
            if block.get("signature") == WITHHELD
        ]
        drop(message, withheld)
        if withheld and not message["content"]:
            empty.append(f"/messages/{place}")
    drop(document, empty)


def is_cut(stop_reason: object) -> bool:
    """Return whether the provider ended a message where its model had not."""
    return stop_reason in ("max_tokens", "model_context_window_exceeded", "refusal")


def withhold_unfinished(document: dict[str, Any]) -> int:
    """Take the last block out of a message that was cut off inside of that call; return how many it took."""
    content = document.get("content")
    if not (is_cut(document.get("stop_reason")) and isinstance(content, list) and content):
        return 0
    block = content[-1]
    if isinstance(block, dict) and names_call(block.get("type")) and is_unfinished(block.get("input")):
        del content[-1]
        return 1
    return 0


def read_parts(document: dict[str, Any]) -> Leaves:
    """Return the parts and attachments of a response body or of one event of its stream."""
    return _RESPONSE.read(document, label=ASSISTANT if "content" in document else FIELD)


def read_call_parts(block: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of one tool-use block that stands at `at`."""
    return _RESPONSE.read(block, at, ("assistant", "tool_call"))[0]


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Return the tokens counted; those read from and written to the cache were sent, too."""
    sent = total(usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Usage(
        sent,
        integer(usage, "output_tokens"),
        integer(usage, "cache_read_input_tokens"),
        integer(usage, "cache_creation_input_tokens"),
    )


def is_known(block: Mapping[str, Any]) -> bool:
    """Return whether a content block is of a type that messages have; a tool call has one of its own."""
    return block["type"] in _BLOCK_TYPES or block["type"].endswith("_tool_result")


def read_block(block: Any) -> bool:
    """Return whether a content block of a completion is a tool call; one of an unknown type is none.

    Raises Malformed when it cannot be told: then it may be one that some client runs.
    """
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise Malformed("expected a content block to have a type")
    if _is_call(block):
        return True
    if not is_known(block):
        refuse_unknown_call(block)
    elif block.get("arguments") is not None:
        raise Malformed("a content block with the arguments of a call")
    refuse_calls(block)
    return False


def _unknown(document: Mapping[str, Any]) -> tuple[str, ...]:
    blocks = [
        block for _, block in mappings(document.get("content")) if not (is_known(block) or _is_call(block))
    ]
    return tuple(dict.fromkeys(block["type"] for block in blocks))


def _tool_calls(document: Mapping[str, Any], parts: tuple[Part, ...]) -> tuple[ToolCall, ...]:
    refuse_calls(document)
    content = document.get("content", [])
    if not isinstance(content, list):
        raise Malformed("expected a list of content blocks")
    calls = []
    for index, block in enumerate(content):
        if read_block(block):
            given = block.get("input")
            arguments = given if isinstance(given, dict) else None
            pointers = pointers_below(parts, f"/content/{index}/input")
            calls.append(ToolCall(call_name(block), arguments, pointers, is_free=True))
    return tuple(calls)


def _is_call(block: Mapping[str, Any]) -> bool:
    """Return whether a block is a tool call: it has a type that says so, or an input."""
    return names_call(block.get("type")) or block.get("input") is not None


def _by_type(block: Mapping[str, Any], label: Label) -> Label:
    """Label a content block by its type when it is a tool call or a tool result, else like its message."""
    kind = block.get("type")
    if label[1] != "text" or not isinstance(kind, str):
        return label
    if _is_call(block):
        return (label[0], "tool_call")
    if kind in _SIGNED:
        return signed(label)
    if kind in ("document", "search_result"):  # what the user passes on, not what the user says
        return (label[0], "tool_result")
    return ("tool", "tool_result") if kind.endswith("tool_result") else label


def _system(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    walk.syntax(value, at, ("system", "system"))


def _speech(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Label what holds or carries content in a stream's event; the message of an error is a string."""
    speaks = isinstance(value, dict) and at.count("/") == 1
    walk.syntax(value, at, ASSISTANT if speaks else label)


def _url(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a URL: that of a source or of a server is fetched from, others are cited."""
    if parent.get("type") == "url":
        walk.fetched(value, at, label)
    else:
        url(walk, parent, value, at, label)


def _source(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read where an image or a document comes from: `data` is media in a base64 source, text in others."""
    if not isinstance(value, dict):
        url(walk, parent, value, at, label)
        return
    data = {"data"} & value.keys()
    walk.members({key: item for key, item in value.items() if key not in data}, at, label)
    for key in data:
        media = parent.get("type") in ("image", "document") and value.get("type") == "base64"
        media_type = string(value, "media_type")
        kind = "image" if media_type.startswith("image/") else "file"
        found = read_media(value[key], media_type) if media else None
        walk.encoded(value[key], f"{at}/{key}", label, kind, found)


def _container(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a container: one that is named may hold files."""
    if isinstance(value, str):
        reference("container")(walk, parent, value, at, label)
    else:
        walk.syntax(value, at, label)


_STRUCTURAL = words(
    """
    model type id role name tool_use_id tool_id tool_name toolset_name media_type stop_reason
    service_tier ttl effort display speed inference_geo error_code category request_id skill_id version
    allowed_callers anthropic_version anthropic_beta
    """
)

_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("metadata", "input", "input_examples"), free),
    **dict.fromkeys(("input_schema", "schema"), schema),
    "encrypted_content": sealed(
        "encrypted", "web_search_result", "advisor_redacted_result", "compaction", "compaction_delta"
    ),
    "encrypted_index": sealed("encrypted", "web_search_result_location"),
    "encrypted_stdout": sealed("encrypted", "encrypted_code_execution_result"),
    "data": sealed("encrypted", "redacted_thinking"),
    "signature": sealed("signature", "thinking", "signature_delta", "compaction"),
    "tools": labeled("tool_definition"),
    "output_config": labeled("tool_definition"),
    "output_format": labeled("tool_definition"),
    "messages": messages(_LABELS),
    "system": _system,
    "source": _source,
    "file_id": reference("file_id"),
    "container": _container,
    "url": _url,
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

_REQUEST, _RESPONSE = grammars(
    _COMMON,
    _READERS,
    _by_type,
    request=_REQUEST_WORDS,
    response=_RESPONSE_WORDS,
    response_readers={
        "usage": counted,
        **dict.fromkeys(("estimated_tokens", "amazon-bedrock-invocationMetrics"), counted),
        **dict.fromkeys(("message", "content_block", "delta"), _speech),
    },
)
VOCABULARY = _REQUEST.words | _RESPONSE.words
