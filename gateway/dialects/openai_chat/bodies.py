"""Prompts and completions of `openai.chat`: their parts, tools and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.openai_chat.grammar import REQUEST, RESPONSE, THOUGHTS
from gateway.dialects.reading.calls import (
    call_name,
    is_unfinished,
    names_call,
    parse_arguments,
    pointers_below,
    refuse_calls,
)
from gateway.dialects.reading.document import Malformed, drop
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import cache_counts, integer, mapping, mappings, number, string
from gateway.dialects.reading.stream import WITHHELD
from gateway.words import Completion, Parameters, Part, Prompt, ToolCall, Usage


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields.

    Thoughts that were not passed on whole are taken out of the document: their provider would refuse them.
    """
    _leave_out_withheld(document)
    walk = REQUEST.walk(document)
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
            max_tokens=integer(document, "max_completion_tokens", "max_tokens"),
            temperature=number(document, "temperature"),
            n=integer(document, "n") if "n" in document else 1,
        ),
        unseen=walk.unseen(),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its choices are not shaped so that every tool call in them can be told.
    """
    if not isinstance(document, dict):
        raise Malformed("expected a completion object")
    choices = mappings(document.get("choices"))
    withheld = sum(withhold_unfinished(mapping(one, "message")) for _, one in choices if is_cut(one))
    parts, attachments = RESPONSE.read(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=_tool_calls(document, parts),
        model=string(document, "model"),
        finish_reason=next((string(choice, "finish_reason") for _, choice in choices), ""),
        usage=read_usage(document),
        withheld_calls=withheld,
    )


def _leave_out_withheld(document: Any) -> None:
    """Take out thoughts that a stream broke off, as their signature says."""
    messages = document.get("messages") if isinstance(document, dict) else None
    for _, message in mappings(messages):
        details = mappings(message.get(THOUGHTS))
        withheld = [f"/{THOUGHTS}/{index}" for index, one in details if one.get("signature") == WITHHELD]
        drop(message, withheld)
        if withheld and not message[THOUGHTS]:
            del message[THOUGHTS]


def is_cut(choice: Mapping[str, Any]) -> bool:
    """Return whether the provider ended a choice where its model had not."""
    return choice.get("finish_reason") in ("length", "content_filter")


def withhold_unfinished(message: Any) -> int:
    """Take the calls that are not complete out of a message that was cut off; return how many they were."""
    withheld, calls = 0, message.get("tool_calls")
    if isinstance(calls, list):
        left = [call for call in calls if not unfinished_call(call, is_last=call is calls[-1])]
        withheld = len(calls) - len(left)
        if left:
            message["tool_calls"] = left
        else:
            del message["tool_calls"]
    function = message.get("function_call")
    if isinstance(function, dict) and unfinished_call({"function": function}, is_last=True):
        del message["function_call"]
        withheld += 1
    return withheld


def unfinished_call(call: Any, *, is_last: bool) -> bool:
    """Return whether a call was cut off. The input of a custom tool does not say so itself."""
    if not isinstance(call, dict):
        return False
    function = mapping(call, "function")
    if not function:
        return is_last
    return not string(function, "name") or is_unfinished(function.get("arguments"))


def read_call_parts(call: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of one tool call (or legacy function call) that stands at `at`."""
    return RESPONSE.read(call, at, ("assistant", "tool_call"))[0]


def read_usage(document: Mapping[str, Any]) -> Usage:
    usage = mapping(document, "usage")
    return Usage(
        integer(usage, "prompt_tokens"),
        integer(usage, "completion_tokens"),
        *cache_counts(mapping(usage, "prompt_tokens_details")),
        integer(mapping(usage, "completion_tokens_details"), "reasoning_tokens"),
    )


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
    return ToolCall(
        call_name(custom), {"input": custom["input"]}, pointers_below(parts, f"{at}/custom/input")
    )


def read_function_call(function: Mapping[str, Any], at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return a call by its name and arguments, which are JSON in a string (imitators send an object)."""
    raw, pointers = function.get("arguments"), pointers_below(parts, f"{at}/arguments")
    if isinstance(raw, str):
        return ToolCall(call_name(function), parse_arguments(raw), pointers, raw_json=True)
    return ToolCall(call_name(function), raw if isinstance(raw, dict) else None, pointers, is_free=True)


def _tool_calls(document: Mapping[str, Any], parts: tuple[Part, ...]) -> tuple[ToolCall, ...]:
    refuse_calls(document)
    choices = document.get("choices")
    calls: list[ToolCall] = []
    for index, choice in enumerate([] if choices is None else _objects(choices)):
        message = choice.get("message")
        if not isinstance(message, dict) or choice.get("delta"):
            raise Malformed("expected a message in every choice")
        refuse_calls(choice)
        calls += message_calls(message, f"/choices/{index}/message", parts)
    return tuple(calls)


def message_calls(message: Mapping[str, Any], at: str, parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    """Yield the calls of a message that stands at `at`. Raises Malformed."""
    refuse_calls(message, "tool_calls", "function_call")
    refuse_calls_in_content(message.get("content"))
    for slot, call in enumerate(_objects(message.get("tool_calls") or [])):
        yield read_call(call, f"{at}/tool_calls/{slot}", parts)
    if (function := message.get("function_call")) is not None:
        (function,) = _objects([function])
        yield read_function_call(function, f"{at}/function_call", parts)


def refuse_calls_in_content(content: Any) -> None:
    """Raise Malformed when a part of a message may be a tool call."""
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
