"""Headers that repeat a message's body, so that others can route by them: they must say what it says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.reading.document import Malformed, at, escape, parse
from gateway.dialects.reading.scalars import mapping, string

_PARAM = "mcp-param-"
_VERSION = "io.modelcontextprotocol/protocolVersion"
_OPEN, _CLOSE = "=?base64?", "?="
_NAMED_BY: Mapping[str, str] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId"),
}


def check(document: Any, headers: Mapping[str, str]) -> None:
    """Raise Malformed when a header contradicts the message. One that is missing says nothing."""
    method, params = string(document, "method"), mapping(document, "params")
    if headers.get("mcp-method", method) != method:
        raise Malformed("header mcp-method: expected the method of the body")
    if (said := headers.get("mcp-name")) is not None and decoded(said) != _name(method, params):
        raise Malformed("header mcp-name: expected the name in the body")
    version = string(mapping(params, "_meta"), _VERSION)
    if version and headers.get("mcp-protocol-version", version) != version:
        raise Malformed("header mcp-protocol-version: expected the version in the body")
    repeated = {decoded(value) for name, value in headers.items() if name.startswith(_PARAM)}
    if repeated and not repeated <= {text for _, text in _leaves(params.get("arguments"), "")}:
        raise Malformed(f"header {_PARAM}…: expected an argument's value")


def mirror(headers: Mapping[str, str], before: bytes, after: Any) -> dict[str, str]:
    """Return the headers that repeat arguments as these go up: masked where they are.

    `before` is the message that the `headers` repeat. One that may say what was masked is "": it stays.
    """
    found: dict[str, str] = {}
    repeating = {name: value for name, value in headers.items() if name.startswith(_PARAM)}
    arguments = mapping(parse(before), "params").get("arguments") if repeating else None
    now = mapping(after, "params").get("arguments")
    places: dict[str, list[str]] = {}
    for pointer, text in _leaves(arguments, ""):
        places.setdefault(text, []).append(pointer)
    for name, value in repeating.items():
        text = decoded(value)
        said = {_said_at(now, pointer) for pointer in places.get(text, ())}
        if len(said) > 1:
            said.discard(text)  # masked in one place is masked in the header
        leaf = said.pop() if len(said) == 1 else None
        found[name] = "" if leaf is None else _encoded(leaf)
    return found


def decoded(value: str) -> str:
    """Return what a header's value means. Raises Malformed when it cannot be decoded."""
    if not (value.startswith(_OPEN) and value.endswith(_CLOSE)):
        return value
    try:
        return base64.b64decode(value[len(_OPEN) : -len(_CLOSE)], validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Malformed("a header's value is no base64 of UTF-8") from error


def _encoded(text: str) -> str:
    is_plain = text.isascii() and text.isprintable() and text == text.strip()
    if is_plain and text and not (text.startswith(_OPEN) and text.endswith(_CLOSE)):
        return text
    return f"{_OPEN}{base64.b64encode(text.encode()).decode()}{_CLOSE}"


def _said_at(arguments: Any, pointer: str) -> str | None:
    """Return what stands at a pointer now; None where a key on the way was masked."""
    try:
        return _text(at(arguments, pointer))
    except LookupError:
        return None


def _name(method: str, params: Mapping[str, Any]) -> str:
    return string(params, _NAMED_BY.get(method, "name")) or string(params, "uri")


def _leaves(value: Any, here: str) -> Iterator[tuple[str, str]]:
    """Yield the scalars of arguments as headers spell them, by their pointers."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{here}/{escape(key)}")
    elif isinstance(value, (str, bool, int, float)):
        yield here, _text(value)


def _text(leaf: object) -> str:
    return str(leaf).lower() if isinstance(leaf, bool) else str(leaf)
