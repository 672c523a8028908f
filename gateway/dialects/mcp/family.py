"""The family `mcp`: servers of the Model Context Protocol. Its errors are those of JSON-RPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.dialect import Family
from gateway.dialects.reading.stream import json_event

HEADER_MISMATCH = -32020  # of MCP: a header does not say what the body says
# -32000 to -32019 are an implementation's own; clients of MCP use the first ones themselves.
_DENIED, _HELD, _UNAVAILABLE = -32010, -32011, -32012
_CODES: Mapping[str, int] = {
    **dict.fromkeys(("invalid_request", "prompt_too_large", "websocket_unsupported"), -32600),
    **dict.fromkeys(("policy_denied", "approval_denied", "approval_expired"), _DENIED),
    **dict.fromkeys(("unauthenticated", "origin_refused"), _DENIED),
    "approval_required": _HELD,
    **dict.fromkeys(("policy_error", "internal_error"), -32603),
}


def error_document(members: dict[str, Any]) -> dict[str, Any]:
    """Return an error of JSON-RPC; `data` has everything that programs go by."""
    rest = dict(members)
    message, code = rest.pop("message"), rest.pop("rpc_code", _CODES.get(members["code"], _UNAVAILABLE))
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message, "data": rest}}


MCP = Family(
    name="mcp",
    credential=lambda secret: {"authorization": f"Bearer {secret}"},
    request_headers=frozenset({"last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version"}),
    response_headers=frozenset({"mcp-protocol-version", "mcp-session-id", "www-authenticate"}),
    error_document=error_document,
    error_event=json_event,
    issued_headers=frozenset({"mcp-session-id"}),
    refuses_pages=True,
)
