"""Which headers and query parameters cross the gateway: by allowlist, in both directions."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.words import Family

# Syntax of the providers' APIs. Everything else stays behind: cookies, telemetry, the agent's own credential,
# `openai-organization`, which would choose whose bill the credential runs up, and `idempotency-key`,
# by which a provider could give one agent the answer that it gave another.
_UP = frozenset({"accept", "anthropic-beta", "anthropic-version", "openai-beta"})

_DOWN = frozenset({"content-language", "openai-processing-ms", "openai-version", "request-id", "retry-after",
                   "retry-after-ms", "x-request-id"})  # fmt: skip
_DOWN_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")

QUERY_PARAMETERS = frozenset(
    {"after", "after_id", "api-version", "before", "before_id", "beta", "limit", "order"}
)


def up_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The request headers that may go to a provider. Names are compared in lower case."""
    return {name.lower(): value for name, value in headers.items() if name.lower() in _UP}


def down_headers(headers: Mapping[str, str], secret: str | None) -> dict[str, str]:
    """The response headers that may reach the agent; none that repeats the provider's credential."""
    return {
        name.lower(): value
        for name, value in headers.items()
        if (name.lower() in _DOWN or name.lower().startswith(_DOWN_PREFIXES))
        and value.isascii()
        and value.isprintable()
        and not (secret and secret in value)
    }


def credential_headers(family: Family, secret: str | None) -> dict[str, str]:
    """The header in which a family expects its credential; none for an endpoint without one."""
    if not secret:
        return {}
    return {"x-api-key": secret} if family == "anthropic" else {"authorization": f"Bearer {secret}"}
