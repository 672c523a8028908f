"""The grammar of MCP: the words of its schemas, 2025-03-26 to 2026-07-28, and who says what in a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.reading.document import escape
from gateway.dialects.reading.encoded import read_media, read_sealed
from gateway.dialects.reading.leaves import (
    FIELD,
    Grammar,
    Label,
    Reader,
    Walk,
    counted,
    fetched,
    free,
    schema,
    signed,
    structural,
    words,
)
from gateway.dialects.reading.scalars import string

SAID: Label = ("tool", "tool_result")  # everything that a server says: a model may read all of it
_CALL: Label = ("assistant", "tool_call")
_USER: Label = ("user", "text")

# Methods of clients that ask for nothing but lists, state and messages: what they do is said by no call.
PLAIN_METHODS = frozenset(
    words(
        """
        initialize ping server/discover logging/setLevel completion/complete
        tools/list prompts/list resources/list resources/templates/list resources/unsubscribe
        subscriptions/listen tasks/get tasks/list tasks/result tasks/cancel tasks/update
        notifications/initialized notifications/progress notifications/roots/list_changed
        notifications/tasks/status
        """
    )
) | {"notifications/cancelled"}
ACTING_METHODS = frozenset(words("tools/call prompts/get resources/read resources/subscribe"))


def _params(walk: Walk, message: dict[str, Any], value: Any, at: str, _: Label) -> None:
    """Read what a method is given: a call's words are the model's, what is to be completed the user's."""
    method = string(message, "method")
    if method in PLAIN_METHODS:
        walk.syntax(value, at, _USER if method == "completion/complete" else FIELD)
    elif method in ACTING_METHODS:
        walk.syntax(value, at, _CALL)
    elif isinstance(value, dict):
        _members(walk, value, at, _CALL)
    else:
        walk.free(value, at, _CALL)


def _members(walk: Walk, members: dict[str, Any], at: str, label: Label) -> None:
    """Read the params of a method that no schema describes; what is about the message is known there, too."""
    for key, value in members.items():
        here = f"{at}/{escape(key)}"
        if key == "_meta":
            walk.syntax(value, here, FIELD)
        else:
            walk.text(key, here, label, "key")
            walk.free(value, here, label)


def _result(walk: Walk, _: dict[str, Any], value: Any, at: str, __: Label) -> None:
    """Read what a client answers a server: what a user filled in, or what a model said."""
    if not isinstance(value, dict):
        walk.syntax(value, at, FIELD)
        return
    label: Label = ("assistant", "text") if "role" in value else _USER if "action" in value else FIELD
    walk.members(value, at, label)


def _results(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read such answers under the names that the server gave to its questions."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, item in value.items():
        here = f"{at}/{escape(key)}"
        walk.text(key, here, FIELD, "key")
        _result(walk, value, item, here, label)


def _requests(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a server's questions, each under a name of its own."""
    if not isinstance(value, dict):
        walk.syntax(value, at, label)
        return
    for key, item in value.items():
        here = f"{at}/{escape(key)}"
        walk.text(key, here, label, "key")
        walk.syntax(item, here, label)


def _content(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read blocks of content, or the fields of a form that a user filled in."""
    if "action" in parent:
        walk.free(value, at, label)
    else:
        walk.syntax(value, at, label)


def _by_block(block: Mapping[str, Any], label: Label) -> Label:
    """Label a block of what a model said by its type, when that is a tool call or the result of one."""
    kind = block.get("type")
    if kind == "tool_use":
        return _CALL
    return SAID if kind == "tool_result" else label


def _data(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read media, or what an error or a log says."""
    kind = parent.get("type")
    if kind in ("image", "audio") and isinstance(value, str):
        walk.encoded(value, at, label, kind, read_media(value, string(parent, "mimeType")))
    else:
        walk.free(value, at, label)


def _blob(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a resource that is no text."""
    if isinstance(value, str):
        walk.encoded(value, at, label, "file", read_media(value, string(parent, "mimeType")))
    else:
        walk.free(value, at, label)


def _address(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read a URL as a field: clients follow it, so values are not restored in it."""
    walk.syntax(value, at, (label[0], "field"))


def _icon(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the address of a picture, which may hold it."""
    if isinstance(value, str) and value.startswith("data:"):
        walk.encoded(value, at, (label[0], "field"), "image", read_media(value))
    else:
        _address(walk, parent, value, at, label)


def _state(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what only its server can open, and gets back as it gave it."""
    found = read_sealed(value)
    walk.encoded(value, at, signed(label) if found else label, "requestState", found)


def _named(walk: Walk, parent: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read the name of a tool, which is syntax, or that of anything else, which people read."""
    if "inputSchema" in parent:
        walk.structural(value, at, label)
    else:
        walk.syntax(value, at, label)


def _meta(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read what is said about a message."""
    walk.syntax(value, at, (label[0], "field"))


# Keys of the schemas: https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema
_STRUCTURAL = dict.fromkeys(
    words(
        """
        jsonrpc id method type mode action role level mimeType status resultType toolUseId cacheScope theme
        sizes includeContext stopReason protocolVersion supportedVersions supported requested version
        taskSupport audience logger cursor nextCursor taskId requestId elicitationId progressToken
        io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/subscriptionId traceparent
        io.modelcontextprotocol/logLevel resourceSubscriptions model format
        """
    ),
    structural,
)
_TIMES = words(
    """
    size ttl ttlMs createdAt lastUpdatedAt lastModified pollInterval pollIntervalMs progress total priority
    costPriority speedPriority intelligencePriority
    """
)
_READERS: Mapping[str, Reader] = {
    **_STRUCTURAL,
    **dict.fromkeys(("arguments", "input", "structuredContent", "metadata", "experimental"), free),
    **dict.fromkeys(("inputSchema", "outputSchema", "requestedSchema"), schema),
    **dict.fromkeys(("url", "uriTemplate", "websiteUrl"), _address),
    "src": _icon,
    "data": _data,
    "blob": _blob,
    "requestState": _state,
    "_meta": _meta,
    "content": _content,
}
_WORDS = words(
    """
    annotations argument capabilities clientInfo code completion completions contents context
    description destructiveHint elicitation elicitations error execution extensions form hasMore hints icons
    idempotentHint instructions isError list listChanged logging maxTokens message messages
    modelPreferences notifications openWorldHint params prompts promptsListChanged readOnlyHint reason ref
    required requiredCapabilities resource resourceTemplates resources resourcesListChanged result roots
    sampling serverInfo statusMessage stopSequences subscribe systemPrompt task tasks temperature text title
    toolChoice tools toolsListChanged value values cancel create createMessage call requests
    io.modelcontextprotocol/clientCapabilities io.modelcontextprotocol/clientInfo
    io.modelcontextprotocol/serverInfo io.modelcontextprotocol/related-task
    inputRequests inputResponses name uri
    """
)
REQUEST = Grammar(
    _WORDS | _READERS.keys() | _TIMES,
    {
        **_READERS,
        "params": _params,
        "result": _result,
        "inputResponses": _results,
        "name": structural,
        "uri": fetched,
    },
    _by_block,
)
RESPONSE = Grammar(
    _WORDS | _READERS.keys() | _TIMES,
    {
        **_READERS,
        **dict.fromkeys(_TIMES, counted),
        "inputRequests": _requests,
        "name": _named,
        "uri": _address,
    },
)
VOCABULARY = REQUEST.words | RESPONSE.words
