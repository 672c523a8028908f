"""Tool calls in every dialect: arguments that are JSON inside a string, and calls in places of no dialect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.dialects.reading.document import Malformed, parse, serialize
from gateway.words import Part

_CALL = re.compile(r"(?:tool|function|custom|mcp|computer|shell)s?[_-]?(?:call|use)s?$", re.IGNORECASE)
_GIVEN = frozenset(("arguments", "input", "args", "partialArgs", "partial_args", "partial_json"))
_CALLED = _GIVEN | {"name", "function", "action", "actions", "custom"}  # what a call may say about itself
_ACTING = re.compile("tool|function|call|action|command|exec|invo|shell", re.IGNORECASE)
_TOLD = re.compile("(?:result|output|response|listing)s?$", re.IGNORECASE)  # what comes of a call
_MCP_CALL = "tools/call"
_OTHER_SPELLINGS = re.compile(r"\\[u/]|[0-9](?:[eE]|\.0)")
_LONG, _EXPONENTIAL = 10**6, 10**21  # from seven digits on, until it is written with an exponent anyway


def parse_arguments(raw: str) -> Mapping[str, Any] | None:
    """Return the arguments as an object, empty when nothing is written; None when they are no object."""
    if not raw.strip():
        return {}
    try:
        arguments = parse(raw.encode())
    except (Malformed, UnicodeEncodeError):
        return None
    return arguments if isinstance(arguments, dict) else None


def is_unfinished(raw: object) -> bool:
    """Return whether the arguments of a call that was cut off say so: they are none, or no object."""
    if isinstance(raw, str):
        return not raw.strip() or parse_arguments(raw) is None
    return not (isinstance(raw, dict) and raw)


def plain_arguments(raw: str) -> str:
    r"""Return the arguments in their plainest spelling, so that a detector reads what they mean.

    `{"to": "a\u0040b.example"}` and `{"to": "a@b.example"}` mean the same, and only the second shows what
    it says; so do `4.111111111111111e15` and `4111111111111111`.
    """
    if not _OTHER_SPELLINGS.search(raw):
        return raw
    arguments = parse_arguments(raw)
    return raw if arguments is None else serialize(_with_digits(arguments)).decode()


def pointers_below(parts: Iterable[Part], pointer: str) -> tuple[str, ...]:
    """Return the pointers of the parts that stand at or below `pointer`, each once, in order."""
    below = (
        part.pointer for part in parts if part.pointer == pointer or part.pointer.startswith(f"{pointer}/")
    )
    return tuple(dict.fromkeys(below))


def names_call(name: object) -> bool:
    """Return whether a key or a type says, in any vocabulary, that something is a tool call."""
    return isinstance(name, str) and _CALL.search(name) is not None


def refuse_unknown_call(members: Mapping[str, Any]) -> None:
    """Raise Malformed when what a provider added to its API may be a tool call, to judge by its looks.

    What is not known passes as text, but a client that knows it must not run what nothing decided.
    """
    kind = members.get("type")
    acts = isinstance(kind, str) and _ACTING.search(kind) and not _TOLD.search(kind)
    if acts or not members.keys().isdisjoint(_GIVEN):
        raise Malformed("what is not known here may be a tool call")
    refuse_hidden_calls(members)


def holds_arguments(members: Mapping[str, Any], *read: str) -> bool:
    """Return whether a member other than those `read` is what a tool is called with, in some API's words."""
    return any(members.get(key) is not None for key in _GIVEN.difference(read))


def call_name(call: Mapping[str, Any]) -> str:
    """Return the tool that is called. Raises Malformed when the call names none."""
    name = call.get("name")
    if not isinstance(name, str):
        raise Malformed("expected a tool call to have a name")
    return name


def refuse_calls(members: Mapping[str, Any], *read: str) -> None:
    """Raise Malformed when a member other than those `read` may hold tool calls: some client may run them."""
    if any(
        value and isinstance(value, (dict, list)) and key not in read and names_call(key)
        for key, value in members.items()
    ):
        raise Malformed("a member that may hold tool calls stands where the dialect has none")


def refuse_hidden_calls(document: Any) -> None:
    """Raise Malformed when a tool call of any vocabulary stands anywhere in the document."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if _is_call(value):
                raise Malformed("a tool call stands in a body of a format that has none")
            waiting += [item for item in value.values() if isinstance(item, (dict, list))]
        elif isinstance(value, list):
            waiting += [item for item in value if isinstance(item, (dict, list))]


def _is_call(members: Mapping[str, Any]) -> bool:
    """Return whether an object is a tool call or holds one under a key that says so.

    Counts are no calls: {"server_tool_use": {"web_search_requests": 0}} names none.
    """
    if names_call(members.get("type")) and not members.keys().isdisjoint(_CALLED):
        return True
    if members.get("method") == _MCP_CALL and isinstance(members.get("params"), dict):
        return True
    function = members.get("function")
    if isinstance(function, dict) and "name" in function and not function.keys().isdisjoint(_GIVEN):
        return True
    return any(
        isinstance(one, dict) and not one.keys().isdisjoint(_CALLED)
        for key, value in members.items()
        if isinstance(value, (dict, list)) and names_call(key)
        for one in (value if isinstance(value, list) else [value])
    )


def _with_digits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_digits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_digits(item) for item in value]
    if isinstance(value, float) and value.is_integer() and _LONG <= abs(value) < _EXPONENTIAL:
        return int(value)
    return value
