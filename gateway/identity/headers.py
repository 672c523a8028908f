"""The headers that say who calls and how: each is given once, under its own name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.errors import InvalidRequest, Unauthenticated

# In which a client's SDK sends its key: Anthropic's, Google's, and OpenAI's for Azure.
API_KEYS = ("x-api-key", "x-goog-api-key", "api-key")
_CREDENTIALS = frozenset({"authorization", *API_KEYS})
_SOLE = _CREDENTIALS | {"content-type"}
_OWN = "x-regate-"
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


def api_key(headers: Mapping[str, str]) -> str | None:
    """Return the key that an SDK sends in a header of its own. Raises Unauthenticated for two that differ."""
    found = {key for name in API_KEYS if (key := headers.get(name, "").strip(BLANKS))}
    if len(found) > 1:
        raise Unauthenticated(f"two different keys in {', '.join(API_KEYS)}: expected one")
    return found.pop() if found else None
