"""Prompts and completions of Gemini's API: their parts, tools and tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.gemini.grammar import CALLS, REQUEST, RESPONSE, RESULTS, camel
from gateway.dialects.reading.calls import names_call, pointers_below, refuse_calls, refuse_unknown_call
from gateway.dialects.reading.document import Malformed
from gateway.dialects.reading.models import named_models
from gateway.dialects.reading.scalars import integer, mapping, mappings, number, string, total
from gateway.dialects.reading.toolless import members_of
from gateway.dialects.reading.tools import read_tool
from gateway.words import Completion, Parameters, Part, Prompt, Tool, ToolCall, Usage

_KINDS = frozenset(("text", "inlineData", "fileData")) | CALLS | RESULTS
_ABOUT = frozenset(("thought", "thoughtSignature", "videoMetadata", "partMetadata", "mediaResolution"))
_ENDED = ("", "STOP", "FINISH_REASON_UNSPECIFIED")  # the finish reasons of candidates that were not cut off
_CODE = "code_execution"  # the tool of executable code, as other dialects name it


def read_prompt(document: Any) -> Prompt:
    """Return the prompt of a request body; what has an unexpected shape is read as fields."""
    walk = REQUEST.walk(document)
    parts, attachments = walk.leaves()
    if not isinstance(document, dict):
        return Prompt(parts, attachments)
    inner = plain_keys(document.get("generateContentRequest", document))
    config = plain_keys(inner.get("generationConfig"))
    return Prompt(
        parts=parts,
        attachments=attachments,
        tools=tuple(_tools(inner.get("tools"))),
        models=tuple(dict.fromkeys(name.removeprefix("models/") for name in named_models(document))),
        parameters=Parameters(
            max_tokens=integer(config, "maxOutputTokens"),
            temperature=number(config, "temperature"),
            n=integer(config, "candidateCount") if "candidateCount" in config else 1,
        ),
        unseen=walk.unseen(),
    )


def read_completion(document: Any) -> Completion:
    """Return the completion of a response body, of one chunk of a stream, or of an error's body.

    A call that the limit of tokens cut off is taken out of the document: what is left is an ordinary end.
    Raises Malformed when its candidates are not shaped so that every tool call in them can be told.
    """
    refuse_calls(members_of(document))
    withheld = sum(_withhold_unfinished(one) for _, one in mappings(document.get("candidates")))
    parts, attachments = RESPONSE.read(document)
    usage = mapping(document, "usageMetadata")
    candidates = document.get("candidates")
    return Completion(
        parts=parts,
        attachments=attachments,
        tool_calls=tuple(_tool_calls(candidates, parts)),
        model=string(document, "modelVersion"),
        finish_reason=next((string(one, "finishReason") for _, one in mappings(candidates)), "")
        or string(mapping(document, "promptFeedback"), "blockReason"),
        usage=Usage(
            total(usage, "promptTokenCount", "toolUsePromptTokenCount"),
            total(usage, "candidatesTokenCount", "thoughtsTokenCount"),
            integer(usage, "cachedContentTokenCount"),
            reasoning_tokens=integer(usage, "thoughtsTokenCount"),
        ),
        withheld_calls=withheld,
        unknown=tuple(dict.fromkeys(_unknown(candidates))),
    )


def _unknown(candidates: Any) -> Iterator[str]:
    """Yield the keys of parts that no part is known to have."""
    for _, candidate in mappings(candidates):
        for _, part in mappings(mapping(candidate, "content").get("parts")):
            yield from (
                key for key, value in part.items() if value is not None and camel(key) not in _KINDS | _ABOUT
            )


def _withhold_unfinished(candidate: dict[str, Any]) -> int:
    """Take the last part out of a candidate that was cut off inside of that call; return how many it took."""
    parts = mapping(candidate, "content").get("parts")
    ended = string(candidate, "finishReason") in _ENDED
    if ended or not (isinstance(parts, list) and parts and isinstance(parts[-1], dict)):
        return 0
    call = plain_keys(plain_keys(parts[-1]).get("functionCall", {"name": "none"}))
    if string(call, "name") and not _is_piece(call):
        return 0
    del parts[-1]
    return 1


def _is_piece(call: Mapping[str, Any]) -> bool:
    """Return whether a call is to go on in a later part."""
    return bool(call.get("partialArgs") or call.get("willContinue"))


def plain_keys(value: Any) -> dict[str, Any]:
    """Return the members of an object with their keys in camel case; none of anything else."""
    return {camel(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def held(part: Any) -> str:
    """Return what a part of a candidate holds, as its key stands; "" when only what is not known.

    Raises Malformed when that cannot be told, or when what is not known may be a call.
    """
    if not isinstance(part, dict):
        raise Malformed("expected the part of a candidate to be an object")
    keys = [key for key in part if camel(key) not in _ABOUT and part[key] is not None]
    known = [key for key in keys if camel(key) in _KINDS]
    if len(known) > 1:
        raise Malformed("a part of two kinds")
    for key in keys:
        if key not in known:
            refuse_unknown_call({"type": key})
            for _, item in mappings([part[key], *(part[key] if isinstance(part[key], list) else ())]):
                refuse_unknown_call(item)
    return known[0] if known else ""


def _tools(tools: Any) -> Iterator[Tool]:
    """Yield the tools offered: functions by their names, what the provider runs by its key."""
    for _, tool in mappings(tools if isinstance(tools, list) else [tools]):
        for key, value in plain_keys(tool).items():
            if key != "functionDeclarations":
                hosted = _CODE if key == "codeExecution" else key
                yield Tool(key, "", hosted="" if key == "computerUse" else hosted)
                labels = (string(one, "name") for _, one in mappings(value))  # of MCP servers
                yield from (Tool(name, "", hosted=name) for name in labels if name)
                continue
            for _, function in mappings(value if isinstance(value, list) else [value]):
                yield read_tool(plain_keys(function))


def _tool_calls(candidates: Any, parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    for index, candidate in enumerate(_objects(candidates)):
        refuse_calls(candidate)
        content = candidate.get("content")
        if not isinstance(content, (dict, type(None))):
            raise Malformed("expected the content of a candidate to be an object")
        refuse_calls(content or {})
        for slot, part in enumerate(_objects((content or {}).get("parts"))):
            key = held(part)
            if camel(key) in CALLS:
                yield _call(part[key], camel(key), f"/candidates/{index}/content/parts/{slot}/{key}", parts)


def _call(call: Any, kind: str, at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return the tool call that stands at `at`. Raises Malformed when only a piece of it does."""
    if not isinstance(call, dict):
        raise Malformed("expected a tool call to be an object")
    if kind == "executableCode":
        return ToolCall(_CODE, dict(call), pointers_below(parts, at))
    plain = plain_keys(call)
    if _is_piece(plain) or any(map(names_call, call)):
        raise Malformed("a tool call in pieces")
    name = string(plain, "name") or string(plain, "toolType")
    if not name:
        raise Malformed("expected a tool call to have a name")
    arguments = plain.get("args")
    given: Mapping[str, Any] | None = {} if arguments is None else arguments
    given = given if isinstance(given, dict) else None
    return ToolCall(name, given, pointers_below(parts, f"{at}/args"), is_free=True)


def _objects(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed("expected a list of objects")
    return value
