"""Which headers and query parameters cross the gateway.

Up go all but those of the connection, of credentials and of callers. Down come those on a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.dialects import families


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What the connection, its message and its proxies are about; the gateway has a connection of its own.
_OF_THE_CONNECTION = _names(
    """
    connection date digest early-data expect host http2-settings keep-alive max-forwards range repr-digest
    te trailer transfer-encoding upgrade via want-digest want-repr-digest signature signature-input
    x-http-method x-http-method-override x-method-override x-original-method x-original-url x-rewrite-url
    """
)
# Who calls, from where, and whose bill the credential runs up.
_OF_THE_CALLER = _names(
    """
    client-ip fastly-client-ip forwarded from openai-organization openai-project origin remote-user
    true-client-ip x-client-ip x-cluster-client-ip x-goog-user-project x-real-ip x-remote-user x-user
    """
)
_STAY_BEHIND = (
    *("accept-encoding", "access-control-", "cf-", "content-", "if-", "proxy-", "sec-", "x-amz-", "x-amzn-"),
    *("x-envoy-", "x-forwarded-", "x-ms-client-principal", "x-regate-"),
)
_CREDENTIAL = re.compile(
    r"(?:^|-)(?:auth\w*|token|secret|passw\w*|credentials?|cookies?\d?|jwt|(?<!idempotency-)key|apikey)(?:-|$)"
)
# Differ from one sending of the same request to the next, and change nothing of what it asks for.
_PER_SENDING = _names(
    """
    b3 baggage conversation-id http-referer idempotency-key referer request-id session-id traceparent
    tracestate user-agent x-client-request-id x-conversation-id x-correlation-id x-idempotency-key
    x-request-id x-session-id x-title
    """
)
_PER_SENDING_PREFIXES = ("sentry-", "x-b3-", "x-stainless-")
_SYNTAX = frozenset({"accept"})  # of all providers
_DOWN = frozenset({"content-language", "retry-after", "retry-after-ms", "x-should-retry"})
_CREDENTIAL_PARAMETERS = _names(
    """
    access-token api-key apikey auth-token authorization client-secret id-token key password secret sig token
    """
)


def up_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the request headers that may go to a provider, their names in lower case.

    One that is no printable UTF-8 stays behind.
    """
    hops = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    read = {name.lower(): _readable(value) for name, value in headers.items()}
    found = {name: value for name, value in read.items() if value is not None}
    syntax = syntax_headers(found)
    return {
        name: value
        for name, value in found.items()
        if name in syntax or not (name in hops or _stays_behind(name))
    }


def syntax_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, in lower case, that are part of a provider's API, of whichever family."""
    names = _SYNTAX.union(*(family.request_headers for family in families().values()))
    return {name: value for name, value in headers.items() if name in names}


def is_bound(name: str) -> bool:
    """Return whether an approval depends on a header, in lower case: it may change what the request does."""
    plain = name.replace("_", "-")
    return plain not in _PER_SENDING and not plain.startswith(_PER_SENDING_PREFIXES)


def is_credential(parameter: str) -> bool:
    """Return whether a query parameter is a credential by its name."""
    plain = parameter.lower().replace("_", "-")
    return plain in _CREDENTIAL_PARAMETERS or plain.startswith(("x-amz-", "x-goog-"))


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


def _stays_behind(name: str) -> bool:
    plain = name.replace("_", "-")  # some servers take one for the other
    return (
        plain in _OF_THE_CONNECTION
        or plain in _OF_THE_CALLER
        or plain.startswith(_STAY_BEHIND)
        or _CREDENTIAL.search(plain) is not None
    )


def _readable(value: str) -> str | None:
    """Return a header's text: HTTP servers read its bytes as Latin-1, and they are sent as UTF-8."""
    try:
        text = value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None
    return text if text.isprintable() else None
