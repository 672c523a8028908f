"""Prompts and completions of Converse: their parts, tools and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.bedrock.grammar import REQUEST, RESPONSE
from gateway.dialects.reading.calls import (
    call_name,
    holds_arguments,
    is_unfinished,
    pointers_below,
    refuse_calls,
    refuse_hidden_calls,
    refuse_unknown_call,
)
from gateway.dialects.reading.document import Malformed, drop
from gateway.dialects.reading.leaves import FIELD, Leaves
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.offers import read_offers
from gateway.dialects.reading.scalars import integer, mapping, mappings, number, string, total
from gateway.dialects.reading.stream import WITHHELD
from gateway.dialects.reading.toolless import members_of, toolless_completion
from gateway.words import Completion, Parameters, Part, Prompt, Tool, ToolCall, Usage

_KINDS = frozenset(
    (
        *("text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent"),
        *(
            "cachePoint",
            "reasoningContent",
            "citationsContent",
            "searchResult",
            "toolAddition",
            "toolRemoval",
        ),
    )
)
_CALL = frozenset(("toolUseId", "name", "type", "input"))
_CONTENT = "/output/message/content"


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields.

    Thinking that was not passed on whole is taken out of the document: its provider would refuse it.
    """
    asked = mapping(mapping(document, "input"), "converse") if isinstance(document, dict) else {}
    asked = asked or (document if isinstance(document, dict) else {})
    _leave_out_withheld(asked)
    walk = REQUEST.walk(document)
    parts, attachments = walk.leaves()
    config = mapping(asked, "inferenceConfig")
    return Prompt(
        parts=parts,
        attachments=attachments,
        tools=tuple(_tools(asked)),
        models=_models(document),
        parameters=Parameters(
            max_tokens=integer(config, "maxTokens"), temperature=number(config, "temperature")
        ),
        unseen=walk.unseen(),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its content is not shaped so that every tool call in it can be told.
    """
    message = _inside(_inside(members_of(document), "output"), "message")
    _refuse_calls_beside(message, "content")
    content = message.get("content", [])
    if not isinstance(content, list):
        raise Malformed("expected a list of content blocks")
    kinds = [held(block) for block in content]
    reason, withheld = string(document, "stopReason"), 0
    if is_cut(reason) and kinds[-1:] == ["toolUse"] and is_unfinished(content[-1]["toolUse"].get("input")):
        del content[-1], kinds[-1]
        withheld = 1
    parts, attachments = RESPONSE.read(document)
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=tuple(
            _call(content[index]["toolUse"], f"{_CONTENT}/{index}/toolUse", parts)
            for index, kind in enumerate(kinds)
            if kind == "toolUse"
        ),
        finish_reason=reason,
        usage=read_usage(mapping(document, "usage")),
        withheld_calls=withheld,
        unknown=tuple(dict.fromkeys(key for block in content for key in unknown_members(block))),
    )


def _inside(members: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under `key`, an empty one without. Raises Malformed when a call stands beside it."""
    _refuse_calls_beside(members, key)
    if not isinstance(members.get(key), dict | None):
        raise Malformed("expected what holds a message to be an object")
    return mapping(members, key)


def _refuse_calls_beside(members: Mapping[str, Any], *read: str) -> None:
    """Raise Malformed when a tool call of any vocabulary stands in a member other than those `read`."""
    beside = {key: value for key, value in members.items() if key not in read}
    refuse_hidden_calls(beside)
    refuse_calls(beside)


def read_count(document: Any) -> Completion:
    """Return the completion of a count of tokens. It is no usage, since counting costs none."""
    return toolless_completion(RESPONSE, document)


def is_cut(stop_reason: str) -> bool:
    """Return whether the message ended where its model had not ended it."""
    return stop_reason not in ("", "end_turn", "tool_use", "stop_sequence")


def read_parts(document: dict[str, Any]) -> Leaves:
    """Return the parts and attachments of one event of a stream."""
    return RESPONSE.read(document, label=FIELD)


def read_call_parts(call: dict[str, Any], at: str) -> tuple[Part, ...]:
    """Return the parts of what stands at `at` in a block that is a tool call."""
    return RESPONSE.read(call, at, ("assistant", "tool_call"))[0]


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Return the tokens counted; those read from and written to the cache were sent, too."""
    return Usage(
        total(usage, "inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
        integer(usage, "outputTokens"),
        integer(usage, "cacheReadInputTokens"),
        integer(usage, "cacheWriteInputTokens"),
    )


def held(block: Any) -> str:
    """Return which kind of content a block of a completion is, \"\" for one that is not known.

    Raises Malformed when that cannot be told, or when a tool call may hide in it.
    """
    if not isinstance(block, dict):
        raise Malformed("expected a content block to be an object")
    known = [key for key in block if key in _KINDS and block[key] is not None]
    if len(known) > 1:
        raise Malformed("a content block of two kinds")
    for key in unknown_members(block):
        refuse_unknown_call({"type": key})
        for _, item in mappings([block[key], *(block[key] if isinstance(block[key], list) else ())]):
            refuse_unknown_call(item)
    kind = known[0] if known else ""
    if kind == "toolUse":
        _read_call(block[kind])
    elif kind != "toolResult":
        refuse_hidden_calls(block)
    return kind


def unknown_members(members: Mapping[str, Any]) -> list[str]:
    """Return the members that content is not known to have."""
    return [key for key, value in members.items() if value is not None and key not in _KINDS]


def _read_call(call: Any) -> str:
    """Return the tool that is called. Raises Malformed when that cannot be told."""
    if not isinstance(call, dict):
        raise Malformed("expected a tool call to be an object")
    _refuse_calls_beside(call, *_CALL)
    if holds_arguments(call, "input"):
        raise Malformed("a tool call with the arguments of another")
    return call_name(call)


def _call(call: dict[str, Any], at: str, parts: tuple[Part, ...]) -> ToolCall:
    given = call.get("input")
    arguments = given if isinstance(given, dict) else None
    return ToolCall(_read_call(call), arguments, pointers_below(parts, f"{at}/input"), is_free=True)


def _tools(document: Mapping[str, Any]) -> Iterator[Tool]:
    """Yield the tools offered; some models take their own beside those of Converse."""
    yield from read_offers(document)
    yield from read_offers(mapping(document, "additionalModelRequestFields"))


def _models(document: Any) -> tuple[str, ...]:
    """Return the models that a body names. The body to count of `invokeModel` is a prompt: it names none."""
    given = mapping(document, "input") if isinstance(document, dict) else {}
    invoked = mapping(given, "invokeModel")
    if not invoked:
        return named_models(document)
    levels = ((document, "input"), (given, "invokeModel"), (invoked, "body"))
    return named_models(
        [{key: value for key, value in level.items() if key != below} for level, below in levels]
    )


def _leave_out_withheld(document: Mapping[str, Any]) -> None:
    """Take out blocks that a stream broke off, as their signature says; messages of nothing else, too."""
    messages = document.get("messages")
    empty = []
    for place, message in mappings(messages):
        withheld = [
            f"/content/{index}" for index, block in mappings(message.get("content")) if _is_withheld(block)
        ]
        drop(message, withheld)
        if withheld and not message["content"]:
            empty.append(f"/messages/{place}")
    drop(document, empty)


def _is_withheld(block: Mapping[str, Any]) -> bool:
    thought = mapping(block, "reasoningContent")
    return WITHHELD in (mapping(thought, "reasoningText").get("signature"), thought.get("redactedContent"))
