"""The headers that say who calls and how: each is given once, under its own name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from gateway.errors import InvalidRequest, Unauthenticated

# In which a client's SDK sends its key: Anthropic's, Google's, and OpenAI's for Azure.
API_KEYS = ("x-api-key", "x-goog-api-key", "api-key")
_CREDENTIALS = frozenset({"authorization", *API_KEYS})
_SOLE = _CREDENTIALS | {"content-type"}
_OWN = ("x-regate-", "mcp-")  # of the gateway, and of a family that repeats its bodies there
BLANKS = " \t"  # around a header's value (RFC 9110, 5.5); more would cut into UTF-8 that was read as Latin-1


def check_names(names: Iterable[str]) -> None:
    """Refuse a request that another server could take for another caller's.

    Proxies and frameworks differ in which of two equal headers they read, and some take `_` for `-`. Raises
    Unauthenticated for a credential, InvalidRequest for every other header that is read here.
    """
    seen = set()
    for name in names:
        plain = name.lower().replace("_", "-")
        if plain not in _SOLE and not plain.startswith(_OWN):
            continue
        refusal = Unauthenticated if plain in _CREDENTIALS else InvalidRequest
        if name.lower() != plain:
            raise refusal(f"header {name.lower()}: expected the name {plain}")
        if plain in seen:
            raise refusal(f"header {plain}: found it twice, expected it once")
        seen.add(plain)


def api_key(headers: Mapping[str, str], query: bytes = b"") -> str | None:
    """Return the key that an SDK sends in a header of its own, or in the query as Google's API takes it.

    Raises Unauthenticated for two that differ.
    """
    given = [headers.get(name, "").strip(BLANKS) for name in API_KEYS]
    pairs = parse_qsl(query.decode("latin-1")) if b"key=" in query else ()
    found = {key for key in (*given, *(value for name, value in pairs if name == "key")) if key}
    if len(found) > 1:
        raise Unauthenticated(f"two different keys in {', '.join(API_KEYS)} and the query: expected one")
    return found.pop() if found else None
