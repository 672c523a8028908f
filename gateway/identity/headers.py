"""The headers that say who calls and how: each is given once, under its own name."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import InvalidRequest, Unauthenticated

_CREDENTIALS = frozenset({"authorization", "x-api-key"})
_SOLE = _CREDENTIALS | {"content-type"}
_OWN = "x-regate-"


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
