"""The items of `openai.responses`: who speaks in each, and which of them are tool calls.

An item of a type that is not known here passes, but never unseen: in a completion it counts as a call of a
tool with its type's name, because some client may run it. It is held, decided and recorded like any call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.calls import (
    call_name,
    is_unfinished,
    names_call,
    parse_arguments,
    pointers_below,
    refuse_calls,
)
from gateway.dialects.reading.document import Malformed, escape
from gateway.dialects.reading.leaves import FIELD, Label
from gateway.dialects.reading.scalars import mappings, string
from gateway.words import Part, ToolCall

CALL: Label = ("assistant", "tool_call")
THOUGHT: Label = ("assistant", "signed")
RESULT: Label = ("tool", "tool_result")
SYSTEM: Label = ("system", "system")
USER: Label = ("user", "text")

# Calls by the client and by the provider itself; other types that end in `_call` are calls, too.
CALL_TYPES = frozenset(
    (
        *("function_call", "custom_tool_call", "mcp_call", "mcp_approval_request", "tool_search_call"),
        *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"),
        *("computer_call", "local_shell_call", "shell_call", "apply_patch_call", "program"),
    )
)
# What tools gave, and what their servers say of themselves.
RESULT_TYPES = frozenset(
    (
        *("function_call_output", "custom_tool_call_output", "computer_call_output", "program_output"),
        *("local_shell_call_output", "shell_call_output", "apply_patch_call_output"),
        *("mcp_list_tools", "tool_search_output"),
    )
)
SEALED_TYPES = ("reasoning", "compaction", "compaction_summary", "context_compaction")
OTHER_TYPES: Mapping[str, Label] = {
    **dict.fromkeys(SEALED_TYPES, THOUGHT),
    "mcp_approval_response": USER,
    **dict.fromkeys(("additional_tools", "configuration_update", "item_reference"), FIELD),
    "compaction_trigger": FIELD,
}
# What a call gave, where its item holds that beside what was asked.
RESULTS = frozenset(("output", "outputs", "results", "result", "error"))

_ROLES: Mapping[str, Label] = {
    **{role: (role, "system") for role in ("system", "developer")},
    **{role: (role, "text") for role in ("user", "assistant")},
    "tool": RESULT,
}
_CIPHER = re.compile(r"[A-Za-z0-9+/_-]+=*")
_WITH_ARGUMENTS = ("function_call", "mcp_call", "mcp_approval_request")
_RUN_BY_PROVIDER = (
    *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"),
    "tool_search_call",
)
_NAMED = ("function_call", "custom_tool_call", "mcp_call", "mcp_approval_request")
_ASKED = ("arguments", "input", "action", "actions", "operation", "code", "queries")  # members of calls only
_HEAD = frozenset(
    (
        *("id", "type", "status", "call_id", "name", "namespace", "caller", "created_by", "execution"),
        *("server_label", "approval_request_id", "fingerprint", "async"),
    )
)


def label_of(item: Mapping[str, Any], unknown: Label = FIELD) -> Label:
    """Return who speaks in an item, and what it is; `unknown` for one of a type that is not known."""
    kind = item.get("type", "message")
    if not isinstance(kind, str):
        return FIELD
    if kind in CALL_TYPES or kind.endswith("_call") or names_call(kind):
        return CALL
    if kind in RESULT_TYPES or kind.endswith("_output"):
        return RESULT
    if kind == "message":
        role = item.get("role")
        return _ROLES.get(role, FIELD) if isinstance(role, str) else FIELD
    return OTHER_TYPES.get(kind, unknown)


def is_sealed(item: Mapping[str, Any]) -> bool:
    """Return whether an item holds what only its provider can open: no letter of it may change."""
    sealed = item.get("encrypted_content")
    return isinstance(sealed, str) and _CIPHER.fullmatch(sealed) is not None


def is_cut(response: Mapping[str, Any]) -> bool:
    """Return whether a response is over, or was asked for, before its model was done."""
    return response.get("status") in ("incomplete", "failed", "cancelled", "in_progress")


def is_unfinished_call(item: Any, *, is_last: bool) -> bool:
    """Return whether an item of a response that was cut off is a call that is not complete.

    The input of a custom tool does not say so itself. Raises Malformed like `is_call`.
    """
    if not is_call(item) or item["type"] in _RUN_BY_PROVIDER:
        return False
    status = item.get("status")
    if item["type"] in _WITH_ARGUMENTS:
        raw = item.get("arguments")
        empty = raw is None or (isinstance(raw, str) and not raw.strip())
        return is_unfinished(raw) and not (empty and status == "completed")
    return status in ("incomplete", "in_progress") or (status is None and is_last)


def is_call(item: Any) -> bool:
    """Return whether an item of a completion is a tool call. Raises Malformed when it cannot be told."""
    kind = item.get("type", "message") if isinstance(item, dict) else None
    if not isinstance(kind, str):
        raise Malformed("expected an item to be an object with a type")
    if label_of(item, CALL) == CALL:
        return True
    if any(item.get(key) is not None for key in _ASKED):
        raise Malformed("an item that is no tool call has a member of one")
    refuse_calls(item)
    for _, part in (*mappings(item.get("content")), *mappings(item.get("summary"))):
        check_part(part)
    return False


def check_part(part: Mapping[str, Any]) -> None:
    """Raise Malformed when a part of a message may be a tool call."""
    if names_call(part.get("type")) or any(part.get(key) is not None for key in _ASKED):
        raise Malformed("a part of a message may be a tool call")
    refuse_calls(part)


def read_call(item: Mapping[str, Any], at: str, parts: tuple[Part, ...]) -> ToolCall:
    """Return the call that an item is; it stands at `at` and is made of `parts`.

    A call by a tool of the provider's has the tool's name, and all that was asked as its arguments: an
    `action` or `operation` by its members. Raises Malformed when it is not clear what is called with what.
    """
    kind = item["type"]
    if kind in _NAMED:
        name, own = call_name(item), "input" if kind == "custom_tool_call" else "arguments"
        if any(item.get(key) is not None for key in _ASKED if key != own):
            raise Malformed("a tool call with the members of another kind of call")
    else:
        name, own = string(item, "name") or kind.removesuffix("_call"), "arguments"
    asked = item.get(own)
    if kind == "custom_tool_call":
        if not isinstance(asked, str):
            raise Malformed("expected the input of a custom tool call to be text")
        return ToolCall(name, {"input": asked}, (f"{at}/input",))
    if kind in _NAMED and isinstance(asked, str | None):
        return ToolCall(
            name, parse_arguments(asked or ""), pointers_below(parts, f"{at}/{own}"), raw_json=True
        )
    if kind in _NAMED:
        return ToolCall(
            name, asked if isinstance(asked, dict) else None, pointers_below(parts, f"{at}/{own}")
        )
    members = [key for key in item if key not in _HEAD and key not in RESULTS]
    pointers = [pointer for key in members for pointer in pointers_below(parts, f"{at}/{escape(key)}")]
    return ToolCall(name, _flat({key: item[key] for key in members}), tuple(pointers))


def _flat(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with the members of an object in them lifted, unless two would have one name."""
    flat = dict(arguments)
    for key in ("action", "operation", "arguments"):
        inner = flat.get(key)
        if isinstance(inner, dict) and not flat.keys() & inner.keys():
            del flat[key]
            flat |= inner
    return flat
