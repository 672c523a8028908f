"""The tools that a body offers to the model, wherever they stand in the words of any API.

One reader for all of them: routers and imitators take the keys of several APIs at one path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.dialects.reading.scalars import mapping, mappings, string
from gateway.dialects.reading.tools import read_tool
from gateway.words import Tool

_VERSION = re.compile(r"(?:_preview)?(?:_\d{4}_?\d{2}_?\d{2})?$")  # of web_search_preview_2025_03_11
_RUN_BY_CLIENTS = re.compile(
    r"(?:function|custom|namespace|local_shell|apply_patch|tool_search)?"
    r"|(?:bash|text_editor|computer_toolset|memory)_\d{8}|computer(?:_use)?(?:_preview)?(?:_\d{4}_?\d{2}_?\d{2})?"
)
_OF_CLIENTS = ("function", "custom")  # members that describe a tool of the client
_NAMES = ("name", "server_label", "connector_id", "mcp_server_name", "server_name", "serverName")
_SEARCH, _MCP = "web_search", "mcp"
# What offers a search that the provider runs: OpenAI's own key, xAI's, Qwen's; OpenRouter has plugins.
_SEARCHES = ("web_search_options", "search_parameters", "enable_search")
_SOURCES = ("data_sources", "dataSources")  # Azure's: it searches in them


def read_offers(document: Mapping[str, Any]) -> Iterator[Tool]:
    """Yield the tools offered. One that its provider runs comes once by each of its names.

    Its type is the provider's word, its name or label may be the agent's: policy judges both.
    """
    listed = list(_listed(document))
    yield from listed
    yield from _additions(document, {tool.name for tool in listed})


def _listed(document: Mapping[str, Any]) -> Iterator[Tool]:
    for _, tool in mappings(document.get("tools")):
        yield from _offer(tool)
    for _, function in mappings(document.get("functions")):
        yield read_tool(function)
    for _, server in mappings(document.get("mcp_servers")):
        yield from _hosted(server, _MCP)
    for _, plugin in mappings(document.get("plugins")):
        yield from _hosted({}, _SEARCH if plugin.get("id") == "web" else string(plugin, "id"))
    for _, source in (one for key in _SOURCES for one in mappings(document.get(key))):
        yield from _hosted({}, string(source, "type"))
    for key in _SEARCHES:
        if document.get(key) is True or isinstance(document.get(key), dict):
            yield from _hosted({}, _SEARCH)
    for _, tool in mappings(mapping(document, "toolConfig").get("tools")):
        yield from _of_converse(tool)


def _additions(document: Mapping[str, Any], declared: set[str]) -> Iterator[Tool]:
    """Yield the tools that messages add: defined there, or referred to and declared nowhere."""
    for tool in _added(document):
        kind = string(tool, "type")
        if kind == "tool_definition":
            defined = list(_offer(mapping(tool, "definition")))
            declared |= {one.name for one in defined}
            yield from defined
        elif kind.startswith(_MCP) or any(string(tool, key) for key in _NAMES[1:]):
            yield from _hosted(tool, _MCP)
        elif string(tool, "name") not in declared:
            yield from _hosted(tool, "")


def hosted_name(kind: str) -> str:
    """Return how a tool that a provider runs is called, by its type: that may have a maker and a version."""
    return _VERSION.sub("", kind.rpartition(":")[2])


def _offer(tool: Mapping[str, Any], *, is_in_hosted: bool = False) -> Iterator[Tool]:
    """Yield the tool that stands in a list of tools, and those in it."""
    kind = string(tool, "type")
    is_of_client = _is_of_client(tool, kind)
    is_hosted = is_in_hosted or not is_of_client
    inner = [one for key in _OF_CLIENTS if (one := mapping(tool, key))]
    if is_hosted:
        yield from _hosted(tool, "" if is_of_client else _MCP if kind == "mcp_toolset" else kind)
        for one in inner:
            yield from _hosted(one, "")
    else:
        if not inner or string(tool, "name"):
            yield read_tool(tool, next(_names(tool), kind))
        yield from map(read_tool, inner)
    for _, nested in mappings(tool.get("tools")):
        yield from _offer(nested, is_in_hosted=is_hosted)


def _is_of_client(tool: Mapping[str, Any], kind: str) -> bool:
    """Return whether a client runs a tool. One of a type that is not known may be the provider's."""
    if kind == "shell":
        return string(mapping(tool, "environment"), "type") in ("", "local")
    return _RUN_BY_CLIENTS.fullmatch(kind) is not None


def _hosted(said: Mapping[str, Any], kind: str) -> Iterator[Tool]:
    """Yield a tool that a provider runs, by its names and by its type."""
    about = string(said, "description") or string(said, "server_description")
    names = {name: name for name in _names(said)}
    for hosted, name in {hosted_name(kind): kind, **names}.items():
        if hosted:
            yield replace(read_tool(said, name, about), hosted=hosted)


def _names(said: Mapping[str, Any]) -> Iterator[str]:
    return filter(None, (string(said, key) for key in _NAMES))


def _of_converse(tool: Mapping[str, Any]) -> Iterator[Tool]:
    """Yield the tool of a list of Converse, whose kind is its key; of a kind that is not known, too."""
    for key, value in tool.items():
        said = value if isinstance(value, dict) else {}
        if key == "toolSpec":
            yield read_tool({**said, "inputSchema": mapping(mapping(said, "inputSchema"), "json")})
        elif key != "cachePoint" and value is not None:
            yield from _hosted(said, "" if key == "systemTool" else key)


def _added(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what the blocks of messages add: a definition, or a reference."""
    for _, message in mappings(document.get("messages")):
        for _, block in mappings(message.get("content")):
            for _, one in ((0, block), *mappings(block.get("tool_changes"))):
                added = one if one.get("type") == "tool_addition" else mapping(one, "toolAddition")
                if tool := mapping(added, "tool"):
                    yield tool
