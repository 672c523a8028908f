"""The vault: the values of one exchange behind their placeholders."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType

from gateway.exchange import Category

_SHORTEST = 6


class Vault:
    """Placeholders made with one agent's key: equal values give equal placeholders in every turn and worker.

    It lives as long as its exchange; nothing in it is stored.
    """

    def __init__(self, agent_key: bytes) -> None:
        self._key = agent_key
        self._entries: dict[str, tuple[str, Category, str]] = {}
        self._values: set[str] = set()
        self._restorable: dict[str, tuple[str, Category, str]] = {}

    def placeholder(self, entity: str, category: Category, value: str) -> str:
        """`<ENTITY_k7f3q2>` for a value; longer when another value here has the same six characters."""
        code = self.code("placeholder", entity, value)
        for length in range(_SHORTEST, len(code) + 1):
            name = f"<{entity}_{code[:length]}>"
            if self._entries.setdefault(name, (entity, category, value))[2] == value:
                self._values.add(value)
                return name
        raise AssertionError("two values share a whole SHA-256")

    def code(self, purpose: str, entity: str, value: str) -> str:
        """52 characters of lower-case base32 that only the holder of the key can link to the value."""
        data = f"{purpose}\0{entity}\0{value}".encode("utf-8", "surrogatepass")
        return base64.b32encode(hmac.digest(self._key, data, hashlib.sha256)).decode().rstrip("=").lower()

    def value_of(self, placeholder: str) -> str | None:
        """The value behind a placeholder of this exchange; None for anything else."""
        entry = self._entries.get(placeholder)
        return entry[2] if entry else None

    def holds(self, value: str) -> bool:
        """Whether the value was found in this exchange."""
        return value in self._values

    def mark_restorable(self, placeholder: str) -> None:
        """Policy gives this value back to the caller. Raises KeyError on a placeholder that is not ours."""
        self._restorable[placeholder] = self._entries[placeholder]

    @property
    def restorable(self) -> Mapping[str, tuple[str, Category, str]]:
        """What may be restored: placeholder to entity, category and value."""
        return MappingProxyType(self._restorable)
