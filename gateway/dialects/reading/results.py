"""Which tool answered where: results in a prompt name their call by an id, in each dialect's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.reading.document import escape

_CALL_IDS = ("call_id", "id")  # of a call: the first one that it has names it
_RESULT_IDS = ("tool_call_id", "tool_use_id", "call_id")
_RESULT_NAMES = ("tool_name", "name")  # of a result that names its tool itself
_RESULT_ROLES = ("tool", "function")
_RESPONSES = ("functionResponse", "function_response")
_ASKED = ("arguments", "input", "args")  # of a call: what the model wrote


def result_tools(document: Any) -> dict[str, str]:
    """Return the tools whose results stand in a request body, by the pointers of the results."""
    called: dict[str, str] = {}
    results: list[tuple[str, str, str]] = []  # pointer, id, the name that the result itself gives
    for at, key, members in _objects(document):
        call_id, name = _first(members, _RESULT_IDS), _call_name(members)
        if key in _RESPONSES:
            results.append((at, "", _first(members, _RESULT_NAMES)))
        elif members.get("role") in _RESULT_ROLES:
            results.append((at, call_id, _first(members, _RESULT_NAMES)))
        elif name:
            if own := _first(members, _CALL_IDS):
                called.setdefault(own, name)
        elif call_id:
            results.append((at, call_id, ""))
    named = ((at, called.get(call_id, name)) for at, call_id, name in results)
    return {at: name for at, name in named if name}


def _objects(document: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the objects that a client wrote: pointer, the key that they stand under, and themselves."""
    waiting: list[tuple[str, str, Any]] = [("", "", document)]
    while waiting:
        at, key, value = waiting.pop()
        if isinstance(value, dict):
            yield at, key, value
            written = [(name, one) for name, one in value.items() if _is_written(key, value, name)]
            waiting += [(f"{at}/{escape(name)}", name, one) for name, one in written if _is_nested(one)]
        elif isinstance(value, list):
            waiting += [(f"{at}/{index}", key, one) for index, one in enumerate(value) if _is_nested(one)]


def _is_written(key: str, members: Mapping[str, Any], name: str) -> bool:
    """Return whether a client wrote what stands under `name` in an object that stands under `key`.

    What a tool answered and what a model asked of it may hold anything: objects that look like the result of
    another tool, and would give it that one's name.
    """
    if key in _RESPONSES:
        return False
    if members.get("role") in _RESULT_ROLES:
        return name == "parts"
    if _call_name(members):
        return name not in _ASKED
    return not _first(members, _RESULT_IDS)


def _is_nested(value: object) -> bool:
    return isinstance(value, (dict, list))


def _call_name(members: Mapping[str, Any]) -> str:
    """Return the tool that an object calls; "" when it is no call."""
    function = members.get("function")
    return _first(function if isinstance(function, dict) else members, ("name",))


def _first(members: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((found for name in names if isinstance(found := members.get(name), str)), "")
