"""An MCP server whose one tool says again what it was told: `… -m suites.clients.mcp_server PORT LOG`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("office", log_level="ERROR")


@server.tool()
def note(address: str, number: str, token: str) -> dict[str, str]:
    """Write a note of an address, a number and a token."""
    told = {"address": address, "number": number, "token": token}
    with Path(sys.argv[2]).open("a") as log:
        line = {"method": "POST", "path": "/office/mcp", "headers": {}, "body": json.dumps(told)}
        log.write(json.dumps(line) + "\n")
    return told


if __name__ == "__main__":
    uvicorn.run(server.streamable_http_app(), port=int(sys.argv[1]), log_level="error")
