"""A server of the Model Context Protocol over lines of JSON: a client's requests in, answers out.

It has tools and nothing else, so it is this small; the official SDK would bring a web framework along.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway import __version__
from gateway.errors import RegateError

_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_PARSE, _INVALID, _NO_METHOD, _BAD_PARAMETERS = -32700, -32600, -32601, -32602
_MOST_BYTES = 16 * 1024 * 1024  # of one line

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool: `run` gets the arguments, which fit `parameters`, and returns plain data."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Json], Any]
    required: Sequence[str] = ()

    def listed(self) -> dict[str, Any]:
        """Return what a client is told of the tool. All of them only read."""
        schema = {
            "type": "object",
            "properties": dict(self.parameters),
            "required": list(self.required),
            "additionalProperties": False,
        }
        hints = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": schema,
            "annotations": hints,
        }


class _Refused(RegateError):
    """A request that the protocol does not know."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Server:
    """Answers one client."""

    def __init__(self, tools: Iterable[McpTool], instructions: str) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._instructions = instructions

    def serve(self, lines: Iterable[bytes], answer: Callable[[str], object]) -> None:
        """Answer each line until there is none. A line that is no request is answered by an error.

        Answers are ASCII: a request may hold half a surrogate pair, which no encoding of a terminal has.
        """
        for line in lines:
            if line.strip() and (said := self._answered(line)) is not None:
                answer(json.dumps(said))

    def _answered(self, line: bytes) -> Json | None:
        try:
            if len(line) > _MOST_BYTES:
                raise ValueError("the line is too long")
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            return _error(None, _PARSE, f"not JSON: {error}")
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return None if isinstance(message, dict) else _error(None, _INVALID, "expected a request")
        if "id" not in message:  # a notification
            return None
        if not isinstance(message["id"], (str, int)):
            return _error(None, _INVALID, "expected a text or a whole number as the id")
        parameters = message.get("params")
        try:
            result = self._result(message["method"], parameters if isinstance(parameters, dict) else {})
        except _Refused as refused:
            return _error(message["id"], refused.code, str(refused))
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def _result(self, method: str, parameters: Json) -> Json:
        match method:
            case "initialize":
                asked = parameters.get("protocolVersion")
                return {
                    "protocolVersion": asked if asked in _VERSIONS else _VERSIONS[0],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "regate", "version": __version__},
                    "instructions": self._instructions,
                }
            case "ping":
                return {}
            case "tools/list":
                return {"tools": [tool.listed() for tool in self._tools.values()]}
            case "tools/call":
                return self._called(parameters)
        raise _Refused(_NO_METHOD, f"there is no method {method}")

    def _called(self, parameters: Json) -> Json:
        tool = self._tools.get(str(parameters.get("name")))
        if tool is None:
            raise _Refused(_BAD_PARAMETERS, f"there is no tool {parameters.get('name')!r}")
        arguments = parameters.get("arguments") or {}
        if fault := _misfit(tool, arguments):
            return _content(fault, failed=True)
        try:
            return _content(tool.run(arguments), failed=False)
        except (RegateError, OSError, UnicodeError) as error:
            return _content(str(error), failed=True)
        except Exception as error:  # noqa: BLE001 - the outermost handler: a fault of one call ends no server
            return _content(f"this call failed: {error!r}", failed=True)


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "integer": int,
}


def _misfit(tool: McpTool, arguments: Any) -> str:
    """Return why the arguments are not what the tool takes, "" where they are."""
    if not isinstance(arguments, dict):
        return "expected arguments by their names"
    if unknown := sorted(arguments.keys() - tool.parameters.keys()):
        return f"unknown arguments: {', '.join(unknown)}; expected {', '.join(tool.parameters)}"
    if missing := [name for name in tool.required if name not in arguments]:
        return f"missing arguments: {', '.join(missing)}"
    for name, value in arguments.items():
        if not isinstance(value, _TYPES[tool.parameters[name]["type"]]):
            return f"{name}: expected {tool.parameters[name]['type']}"
    return ""


def _content(found: Any, *, failed: bool) -> Json:
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=1, default=str)
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def _error(request: Any, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": request, "error": {"code": code, "message": message}}
