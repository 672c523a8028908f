"""Which headers and query parameters cross the gateway: by allowlist, in both directions."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.dialects import families

# Of all families, whichever a provider has. Everything else stays behind: cookies, telemetry, the agent's own
# credential, `openai-organization`, which would choose whose bill the credential runs up, and
# `idempotency-key`, by which a provider could give one agent the answer that it gave another.
_UP = frozenset({"accept"})
_DOWN = frozenset({"content-language", "retry-after", "retry-after-ms"})

QUERY_PARAMETERS = frozenset(
    {
        *("after", "after_id", "alt", "api-version", "before", "before_id", "beta", "include", "include[]"),
        *("limit", "order", "pageSize", "pageToken", "stream"),
    }
)


def up_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the request headers that may go to a provider, their names in lower case."""
    allowed = _UP.union(*(family.request_headers for family in families().values()))
    return {name.lower(): value for name, value in headers.items() if name.lower() in allowed}


def down_headers(headers: Mapping[str, str], secret: str | None) -> dict[str, str]:
    """Return the response headers that may reach the agent; none that repeats the provider's credential."""
    allowed = _DOWN.union(*(family.response_headers for family in families().values()))
    prefixes = tuple(name for name in allowed if name.endswith("-"))
    return {
        name.lower(): value
        for name, value in headers.items()
        if (name.lower() in allowed or name.lower().startswith(prefixes))
        and value.isascii()
        and value.isprintable()
        and not (secret and secret in value)
    }
