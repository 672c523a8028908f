"""`openai.chat`: Chat Completions, as OpenAI documents it and as its imitators extend it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.calls import parse_arguments, plain_arguments, pointers_below
from gateway.dialects.document import Malformed, escape
from gateway.dialects.leaves import (
    FIELD,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    free,
    labelled,
    structural,
    words,
)
from gateway.dialects.scalars import integer, mapping, mappings, number, string
from gateway.exchange import Completion, Kind, Parameters, Part, Prompt, Tool, ToolCall, Usage

_KINDS: Mapping[str, Kind] = {
    "system": "system",
    "developer": "system",
    "user": "text",
    "assistant": "text",
    "tool": "tool_result",
    "function": "tool_result",
}
ASSISTANT: Label = ("assistant", "text")


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
        tools=_tools(document),
        model=string(document, "model"),
        stream=document.get("stream") is True,
        parameters=Parameters(
            max_tokens=integer(document, "max_completion_tokens", "max_tokens"),
            temperature=number(document, "temperature"),
            n=integer(document, "n") if "n" in document else 1,
        ),
    )


def read_completion(document: Any) -> Completion:
    """The completion of a response body, an error's included.

    Raises Malformed when its choices are not shaped so that every tool call in them can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a completion object")
    parts, attachments = read_parts(document)
    choices = document.get("choices")
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=() if choices is None else _tool_calls(choices, parts),
        model=string(document, "model"),
        finish_reason=next((string(choice, "finish_reason") for _, choice in mappings(choices)), ""),
        usage=read_usage(document),
    )


def read_parts(document: dict[str, Any]) -> tuple[tuple[Part, ...], tuple[Any, ...]]:
    """The parts and attachments of a response body or of one chunk of it."""
    walk = Walk(_RESPONSE)
    walk.members(document, "", FIELD)
    return tuple(walk.parts), tuple(walk.attachments)


def read_call_parts(call: dict[str, Any], at: str) -> tuple[Part, ...]:
    """The parts of one tool call (or legacy function call) that stands at `at`."""
    walk = Walk(_RESPONSE)
    walk.members(call, at, ("assistant", "tool_call"))
    return tuple(walk.parts)


def read_usage(document: Mapping[str, Any]) -> Usage:
    usage = mapping(document, "usage")
    return Usage(integer(usage, "prompt_tokens"), integer(usage, "completion_tokens"))


def read_call(call: Mapping[str, Any], pointers: tuple[str, ...]) -> ToolCall:
    """One member of `tool_calls`. Raises Malformed when it is neither a function call nor a custom one."""
    if isinstance(call.get("function"), dict):
        return read_function_call(call["function"], pointers)
    custom = call.get("custom")
    if not isinstance(custom, dict) or not isinstance(custom.get("input"), str):
        raise Malformed("expected a function or custom tool call")
    return ToolCall(_name(custom), {"input": custom["input"]}, pointers)


def read_function_call(function: Mapping[str, Any], pointers: tuple[str, ...]) -> ToolCall:
    """A name with its arguments, which are JSON inside a string (imitators send an object)."""
    raw = function.get("arguments")
    if isinstance(raw, str):
        return ToolCall(_name(function), parse_arguments(raw), pointers)
    return ToolCall(_name(function), raw if isinstance(raw, dict) else None, pointers)


def _tools(document: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools offered: functions, custom tools, and the legacy `functions`."""
    offered = [
        mapping(tool, "custom") if "custom" in tool else mapping(tool, "function")
        for _, tool in mappings(document.get("tools"))
    ]
    offered += [function for _, function in mappings(document.get("functions"))]
    return tuple(Tool(string(tool, "name"), string(tool, "description")) for tool in offered)


def _tool_calls(choices: Any, parts: tuple[Part, ...]) -> tuple[ToolCall, ...]:
    calls = []
    for index, choice in enumerate(_objects(choices)):
        message = choice.get("message")
        if not isinstance(message, dict):
            raise Malformed("expected a message in every choice")
        at = f"/choices/{index}/message"
        for place, call in enumerate(_objects(message.get("tool_calls") or [])):
            below = f"{at}/tool_calls/{place}"
            arguments = f"{below}/function/arguments" if "function" in call else f"{below}/custom/input"
            calls.append(read_call(call, pointers_below(parts, arguments)))
        if (function := message.get("function_call")) is not None:
            (function,) = _objects([function])
            pointers = pointers_below(parts, f"{at}/function_call/arguments")
            calls.append(read_function_call(function, pointers))
    return tuple(calls)


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed("expected a list of objects")
    return value


def _name(call: Mapping[str, Any]) -> str:
    name = call.get("name")
    if not isinstance(name, str):
        raise Malformed("expected a tool call to have a name")
    return name


def _same(_: Mapping[str, Any], label: Label) -> Label:
    return label


def _messages(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Only a message's own role says who speaks; a `role` deeper inside is a field like others."""
    if not isinstance(value, list):
        walk.syntax(value, at, label)
        return
    for index, message in enumerate(value):
        if isinstance(message, dict):
            role = string(message, "role")
            known: Label = (role, _KINDS[role]) if role in _KINDS else FIELD
            walk.members(message, f"{at}/{index}", known)
        else:
            walk.syntax(message, f"{at}/{index}", label)


def _message(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """A choice's message or delta; the message of an error is a string."""
    walk.syntax(value, at, ASSISTANT if isinstance(value, dict) else label)


def _named(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """The name of a tool is syntax; that of a message's author is text."""
    authored = label[1] in ("text", "system") and "role" in parent
    if authored:
        walk.syntax(value, at, (label[0], "field"))
    else:
        walk.structural(value, at, label)


def _arguments(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if isinstance(value, str):
        walk.text(plain_arguments(value), at, label)
    else:
        walk.free(value, at, label)


def _url(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    if isinstance(value, str) and value.startswith("data:"):
        walk.encoded(value, at, label, "image")
    else:
        walk.syntax(value, at, label)


def _audio_data(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "audio", f"audio/{string(parent, 'format')}")


def _file_data(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    walk.encoded(value, at, label, "file")


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Tokens repeat the text in pieces, and in bytes, where no detector finds anything: read them joined.

    A finding there cannot be masked piece by piece, so the joined text is structural.
    """
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, tokens in value.items():
        here = f"{at}/{escape(key)}"
        if key not in ("content", "refusal"):
            walk.text(key, here, label, "key")
        if isinstance(tokens, list) and all(
            isinstance(t, dict) and isinstance(t.get("token"), str) for t in tokens
        ):
            joined = "".join(token["token"] for token in tokens)
            walk.text(joined, here, ASSISTANT, "structural")
            for index, token in enumerate(tokens):
                rest = {name: item for name, item in token.items() if name != "token"}
                walk.counted(rest, f"{here}/{index}", label)
        else:
            walk.free(tokens, here, label)


_STRUCTURAL = words(
    """
    model type id role tool_call_id object finish_reason service_tier system_fingerprint format detail
    file_id syntax mode ttl voice modalities reasoning_effort verbosity effort summary tool_choice code
    param prompt_cache_retention search_context_size
    """
)

_READERS: dict[str, Reader] = {
    **dict.fromkeys(_STRUCTURAL, structural),
    **dict.fromkeys(("metadata", "logit_bias", "parameters", "schema"), free),
    **dict.fromkeys(("tool_calls", "function_call"), labelled("tool_call")),
    **dict.fromkeys(("tools", "functions", "response_format"), labelled("tool_definition")),
    **dict.fromkeys(("url", "image_url"), _url),
    "messages": _messages,
    "name": _named,
    "arguments": _arguments,
    "data": _audio_data,
    "file_data": _file_data,
}

_COMMON = words(
    """
    n stream messages content refusal reasoning_content reasoning text function custom input input_audio
    audio file filename transcript annotations index
    """
)

# Keys of the schema: https://platform.openai.com/docs/api-reference/chat (request)
_REQUEST_WORDS = words(
    """
    max_tokens max_completion_tokens temperature top_p seed stop stream_options include_usage
    include_obfuscation frequency_penalty presence_penalty logprobs top_logprobs parallel_tool_calls
    prediction user safety_identifier prompt_cache_key prompt_cache_options prompt_cache_breakpoint
    store web_search_options moderation description strict json_schema grammar definition allowed_tools
    """
)

# Keys of the schema: https://platform.openai.com/docs/api-reference/chat/object, /streaming and its errors
_RESPONSE_WORDS = words(
    """
    choices message delta url_citation title start_index end_index images error obfuscation created
    expires_at usage prompt_tokens completion_tokens total_tokens prompt_tokens_details
    completion_tokens_details cached_tokens cache_write_tokens audio_tokens image_tokens text_tokens
    reasoning_tokens accepted_prediction_tokens rejected_prediction_tokens logprobs top_logprobs token
    bytes logprob
    """
)

_REQUEST = Grammar(_COMMON | _REQUEST_WORDS | _READERS.keys(), _READERS, _same)
_RESPONSE = Grammar(
    _COMMON | _RESPONSE_WORDS | _READERS.keys(),
    {
        **_READERS,
        **dict.fromkeys(("created", "expires_at", "usage"), counted),
        **dict.fromkeys(("message", "delta"), _message),
        "logprobs": _logprobs,
    },
    _same,
)
VOCABULARY = _REQUEST.words | _RESPONSE.words
