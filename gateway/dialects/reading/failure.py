"""The gateway's own refusals, as members of an error object; each family has a shape to put around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.errors import Refusal

# The names of https://platform.claude.com/docs/en/api/errors; OpenAI's clients go by status and `code`.
_TYPES: Mapping[str, str] = {
    "invalid_request": "invalid_request_error",
    "unauthenticated": "authentication_error",
    "websocket_unsupported": "invalid_request_error",
    "prompt_too_large": "request_too_large",
    "too_many_exchanges": "rate_limit_error",
    "upstream_timeout": "timeout_error",
    **dict.fromkeys(
        (
            *("policy_denied", "approval_required", "approval_denied", "approval_expired"),
            *("origin_refused", "out_of_scope"),
        ),
        "permission_error",
    ),
}


def error_members(code: str, message: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a refusal's error object; `extra` cannot replace the message, type and code."""
    return {**extra, "message": message, "type": _TYPES.get(code, "api_error"), "code": code}


def status_of(code: str) -> int:
    """Return the status of HTTP that a refusal with this code has, 500 for an unknown one."""
    return next((refusal.status for refusal in _below(Refusal) if refusal.code == code), 500)


def _below(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    yield refusal
    for one in refusal.__subclasses__():
        yield from _below(one)
