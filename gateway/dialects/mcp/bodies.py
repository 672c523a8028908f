"""Messages of MCP: what a client asks of a server or answers it, and what a server answers or asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.mcp.grammar import ACTING_METHODS, PLAIN_METHODS, REQUEST, RESPONSE, SAID
from gateway.dialects.reading.calls import call_name, pointers_below
from gateway.dialects.reading.document import Malformed, escape
from gateway.dialects.reading.scalars import mapping, mappings, string
from gateway.dialects.reading.tools import schema_digest
from gateway.words import Completion, Part, Prompt, Tool, ToolCall

_BY_FOLDED = {method.casefold(): method for method in PLAIN_METHODS | ACTING_METHODS}
_QUIET = frozenset(("ping", "roots/list"))  # of servers: they bring no words into a conversation


def read_prompt(document: Any) -> Prompt:
    """Return what a client says: a request, a notification, or the answer to a server's question.

    What it wants done is a tool call: the tool of `tools/call`, and by the name of its method whatever else
    acts or is not known. Raises Malformed when that cannot be told.
    """
    message = _message(document)
    walk = REQUEST.walk(message)
    parts, attachments = walk.leaves()
    return Prompt(parts, attachments, tool_calls=tuple(_asked(message, parts)), unseen=walk.unseen())


def read_completion(document: Any) -> Completion:
    """Return what a server says: an answer, a notification, or a question of its own, which is a tool call.

    Errors of HTTP may be no messages. Raises Malformed when a question cannot be told.
    """
    if isinstance(document, dict) and "jsonrpc" not in document and "error" in document:
        return Completion(*RESPONSE.read({"error": document["error"]} | document, label=SAID))
    message = _message(document)
    parts, attachments = RESPONSE.read(message, label=SAID)
    return Completion(
        parts, attachments, tuple(_questions(message, parts)), tools=tuple(_tools(mapping(message, "result")))
    )


def _message(document: Any) -> dict[str, Any]:
    """Return a message of JSON-RPC. Raises Malformed: of a batch, too, which MCP has no more."""
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise Malformed("expected one message of JSON-RPC 2.0")
    if len(document.keys() & {"method", "result", "error"}) != 1:
        raise Malformed("expected a message to have a method, a result or an error")
    if "method" not in document:
        return document
    if not isinstance(method := document["method"], str):
        raise Malformed("expected a method to be text")
    if not isinstance(document.get("params", {}), dict):
        raise Malformed("expected params to be an object")
    plain = "".join(method.split()).casefold()
    if _BY_FOLDED.get(plain, method) != method:
        raise Malformed("a method differs from one of MCP by its case or spaces only")
    return document


def _asked(message: Mapping[str, Any], parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    """Yield what a client wants done, and the tools that its model calls at a server's request."""
    if "method" not in message:
        yield from _said_calls(message.get("result"), "/result", parts)
        return
    method, params = message["method"], message.get("params", {})
    if method == "tools/call":
        yield _tool_call(call_name(params), params, parts)
    elif method not in PLAIN_METHODS:
        yield _method_call(method, params, "/params", parts)
        if method not in ACTING_METHODS and isinstance(params.get("name"), str) and "arguments" in params:
            yield _tool_call(
                params["name"], params, parts
            )  # a tool all the same, in the words of another day
    for key, answer in mapping(params, "inputResponses").items():
        yield from _said_calls(answer, f"/params/inputResponses/{escape(key)}", parts)


def _tool_call(name: str, params: Mapping[str, Any], parts: tuple[Part, ...]) -> ToolCall:
    arguments = params.get("arguments")
    given: Mapping[str, Any] | None = {} if arguments is None else arguments
    pointers = pointers_below(parts, "/params/arguments")
    return ToolCall(name, given if isinstance(given, dict) else None, pointers, is_free=True)


def _method_call(method: str, params: Any, at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return a request as a call of the tool that has the method's name."""
    if not isinstance(params, dict):
        raise Malformed("expected params to be an object")
    given = {key: value for key, value in params.items() if key != "_meta"}
    pointers = tuple(
        pointer for pointer in pointers_below(parts, at) if not pointer.startswith(f"{at}/_meta")
    )
    return ToolCall(method, given, pointers, is_free=True)


def _said_calls(result: Any, at: str, parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    """Yield the tool calls in what a client's model said. Raises Malformed when one names no tool."""
    content = result.get("content") if isinstance(result, dict) else None
    blocks = [("", content)] if isinstance(content, dict) else [(f"/{i}", b) for i, b in mappings(content)]
    for slot, block in blocks:
        if block.get("type") == "tool_use":
            given = block.get("input")
            pointers = pointers_below(parts, f"{at}/content{slot}/input")
            yield ToolCall(
                call_name(block), given if isinstance(given, dict) else None, pointers, is_free=True
            )


def _questions(message: Mapping[str, Any], parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    """Yield what a server wants of the client: a model's words, a user's, or whatever else."""
    if "method" in message:
        if "id" in message and message["method"] not in _QUIET:
            yield _method_call(message["method"], message.get("params", {}), "/params", parts)
        yield from _input_requests(message.get("params"), "/params", parts)
        return
    told = mapping(mapping(message, "error"), "data").get("elicitations")
    for index, request in mappings(told):  # the error asks for what a request would: that a user opens a page
        yield _method_call("elicitation/create", request, f"/error/data/elicitations/{index}", parts)
    yield from _input_requests(message.get("result"), "/result", parts)
    yield from _input_requests(mapping(message, "result").get("result"), "/result/result", parts)


def _input_requests(result: Any, at: str, parts: tuple[Part, ...]) -> Iterator[ToolCall]:
    requests = result.get("inputRequests") if isinstance(result, dict) else None
    if requests is None:
        return
    if not isinstance(requests, dict):
        raise Malformed("expected inputRequests to be an object")
    for key, request in requests.items():
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise Malformed("expected an input request to have a method")
        if request["method"] not in _QUIET:
            here = f"{at}/inputRequests/{escape(key)}/params"
            yield _method_call(request["method"], request.get("params", {}), here, parts)


def _tools(result: Mapping[str, Any]) -> Iterator[Tool]:
    """Yield the tools that a server offers, each with the digest of its whole definition."""
    for index, tool in mappings(result.get("tools")):
        name, about = string(tool, "name"), string(tool, "description")
        at = f"/result/tools/{index}/{'description' if about else 'name'}"
        yield Tool(name, about, _digest(tool), at, schema_digest(tool))


def _digest(definition: Mapping[str, Any]) -> str:
    """Return a digest of what a tool says of itself; `_meta` is about the message."""
    said = {key: value for key, value in definition.items() if key != "_meta"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
