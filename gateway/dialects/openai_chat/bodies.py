"""`openai.chat`: Chat Completions, as OpenAI documents it and as its imitators extend it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.openai_chat.media import audio, file, image, recording, url
from gateway.dialects.reading.calls import (
    names_call,
    parse_arguments,
    plain_arguments,
    pointers_below,
    refuse_calls,
)
from gateway.dialects.reading.document import Malformed, escape
from gateway.dialects.reading.leaves import (
    FIELD,
    Label,
    Reader,
    Walk,
    counted,
    free,
    grammars,
    labeled,
    structural,
    words,
)
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.scalars import integer, mapping, mappings, number, string
from gateway.words import Completion, Kind, Parameters, Part, Prompt, Tool, ToolCall, Usage

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
    """Return the prompt of a request body; what has an unexpected shape is read as fields."""
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
        models=named_models(document),
        stream=document.get("stream") is True,
        parameters=Parameters(
            max_tokens=integer(document, "max_completion_tokens", "max_tokens"),
            temperature=number(document, "temperature"),
            n=integer(document, "n") if "n" in document else 1,
        ),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body.

    Raises Malformed when its choices are not shaped so that every tool call in them can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a completion object")
    parts, attachments = read_parts(document)
    choices = mappings(document.get("choices"))
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=_tool_calls(document, parts),
        model=string(document, "model"),
        finish_reason=next((string(choice, "finish_reason") for _, choice in choices), ""),
        usage=read_usage(document),
    )


def read_parts(document: dict[str, Any]) -> tuple[tuple[Part, ...], tuple[Any, ...]]:
    """Return the parts and attachments of a response body or of one chunk of a stream."""
    walk = Walk(_RESPONSE)
    walk.members(document, "", FIELD)
    return tuple(walk.parts), tuple(walk.attachments)


def read_call_parts(call: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of one tool call (or legacy function call) that stands at `at`."""
    walk = Walk(_RESPONSE)
    walk.members(call, at, ("assistant", "tool_call"))
    return tuple(walk.parts)


def read_usage(document: Mapping[str, Any]) -> Usage:
    usage = mapping(document, "usage")
    return Usage(integer(usage, "prompt_tokens"), integer(usage, "completion_tokens"))


def read_call(call: Mapping[str, Any], at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return one member of `tool_calls`, which stands at `at` and is made of `parts`.

    Raises Malformed when it is not clear which tool it calls with what.
    """
    function, custom = _said(call, "function"), _said(call, "custom")
    if bool(function) == bool(custom) or any(call.get(key) is not None for key in ("arguments", "input")):
        raise Malformed("expected a function or custom tool call")
    if function:
        return read_function_call(function, f"{at}/function", parts)
    if not isinstance(custom.get("input"), str):
        raise Malformed("expected the input of a custom tool call to be text")
    return ToolCall(_name(custom), {"input": custom["input"]}, pointers_below(parts, f"{at}/custom/input"))


def read_function_call(function: Mapping[str, Any], at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return a call by its name and arguments, which are JSON in a string (imitators send an object)."""
    raw, pointers = function.get("arguments"), pointers_below(parts, f"{at}/arguments")
    if isinstance(raw, str):
        return ToolCall(_name(function), parse_arguments(raw), pointers, raw_json=True)
    return ToolCall(_name(function), raw if isinstance(raw, dict) else None, pointers)


def _tools(document: Mapping[str, Any]) -> tuple[Tool, ...]:
    """Return the tools offered: functions, custom tools, and the legacy `functions`."""
    offered = [
        mapping(tool, "custom") if "custom" in tool else mapping(tool, "function")
        for _, tool in mappings(document.get("tools"))
    ]
    offered += [function for _, function in mappings(document.get("functions"))]
    return tuple(Tool(string(tool, "name"), string(tool, "description")) for tool in offered)


def _tool_calls(document: Mapping[str, Any], parts: tuple[Part, ...]) -> tuple[ToolCall, ...]:
    refuse_calls(document)
    choices = document.get("choices")
    calls = []
    for index, choice in enumerate([] if choices is None else _objects(choices)):
        message = choice.get("message")
        if not isinstance(message, dict) or choice.get("delta"):
            raise Malformed("expected a message in every choice")
        refuse_calls(choice)
        refuse_calls(message, "tool_calls", "function_call")
        _refuse_calls_in_content(message.get("content"))
        at = f"/choices/{index}/message"
        for slot, call in enumerate(_objects(message.get("tool_calls") or [])):
            calls.append(read_call(call, f"{at}/tool_calls/{slot}", parts))
        if (function := message.get("function_call")) is not None:
            (function,) = _objects([function])
            calls.append(read_function_call(function, f"{at}/function_call", parts))
    return tuple(calls)


def _refuse_calls_in_content(content: Any) -> None:
    for _, part in mappings(content):
        if names_call(part.get("type")) or any(part.get(key) is not None for key in ("arguments", "input")):
            raise Malformed("a part of a message may be a tool call")
        refuse_calls(part)


def _said(call: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under `key`; an empty one when there is none, or all its members are empty."""
    found = mapping(call, key)
    return found if any(found.values()) else {}


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
    """Label each message by its own role; a `role` deeper inside is a field like others."""
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
    """Label the message or delta of a choice as the assistant's; other objects have such keys too."""
    speaks = isinstance(value, dict) and at.startswith("/choices/") and at.count("/") == 3  # /choices/0/delta
    walk.syntax(value, at, ASSISTANT if speaks else label)


def _named(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a tool's name as syntax, and the name of a message's author as text."""
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


def _logprobs(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read tokens joined: one by one they are pieces of text, in which no detector finds anything.

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
    **dict.fromkeys(("tool_calls", "function_call"), labeled("tool_call")),
    **dict.fromkeys(("tools", "functions", "response_format"), labeled("tool_definition")),
    "url": url,
    "image_url": image,
    "input_audio": audio,
    "file": file,
    "messages": _messages,
    "name": _named,
    "arguments": _arguments,
}

_COMMON = words(
    """
    n stream messages content refusal reasoning_content reasoning text function custom input
    audio data file_data filename transcript annotations index
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

_REQUEST, _RESPONSE = grammars(
    _COMMON,
    _READERS,
    _same,
    request=_REQUEST_WORDS,
    response=_RESPONSE_WORDS,
    response_readers={
        **dict.fromkeys(("created", "expires_at", "usage"), counted),
        **dict.fromkeys(("message", "delta"), _message),
        "audio": recording,
        "logprobs": _logprobs,
    },
)
VOCABULARY = _REQUEST.words | _RESPONSE.words
