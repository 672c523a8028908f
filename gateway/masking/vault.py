"""The vault: the values of one exchange behind their placeholders."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gateway.errors import InspectionFailed
from gateway.masking.destinations import Destination, admits
from gateway.masking.placeholders import names_in
from gateway.words import Category

_SHORTEST = 6
Where = Literal["text", "string", "key", "number"]  # of a JSON text; plain text is "text"


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """A value as it was found: `depth` strings deep, one JSON text inside the other, escapes and all."""

    entity: str
    category: Category
    value: str
    depth: int = 0


class Vault:
    """Placeholders made with one agent's key: equal values give equal placeholders in every turn and worker.

    It lives as long as its exchange; nothing in it is stored.
    """

    def __init__(self, agent_key: bytes, *, beside: Vault | None = None) -> None:
        """Keep clear of every placeholder that the vault `beside` has for another value."""
        self._key = agent_key
        self._beside = beside
        self._reserved: set[str] = set()
        self._entries: dict[str, VaultEntry] = {}
        self._values: set[str] = set()
        self._restorable: dict[str, VaultEntry] = {}
        self._limits: dict[str, frozenset[str]] = {}  # where those come back that may not everywhere
        self._stood: dict[Where, set[str]] = {"number": set(), "string": set()}  # the placeholders
        self._codes: dict[
            tuple[str, str, str], str
        ] = {}  # a value is masked for policy, and then for the provider

    def reserve(self, texts: Iterable[str]) -> None:
        """Keep clear of every placeholder that these texts hold as plain text: those stand for themselves."""
        for text in texts:
            self._reserved.update(names_in(text))
        for name in self._reserved & self._entries.keys():
            del self._entries[name]

    def placeholder(
        self, entity: str, category: Category, value: str, *, depth: int = 0, where: Where = "text"
    ) -> str:
        """Return `<ENTITY_k7f3q2>` for a value; longer when another value has those six characters here.

        Raises InspectionFailed when the prompt's own text has taken every length of it.
        """
        code = self.code("placeholder", entity, value)
        for length in range(_SHORTEST, len(code) + 1):
            name = f"<{entity}_{code[:length]}>"
            if name in self._reserved or self._is_of_another(name, value):
                continue
            self._entries.setdefault(name, VaultEntry(entity, category, value, depth))
            self._values.add(value)
            if where in self._stood:
                self._stood[where].add(name)
            return name
        raise InspectionFailed("the prompt holds every placeholder that a value of it could have")

    def code(self, purpose: str, entity: str, value: str) -> str:
        """Return 52 characters of lower-case base32 that only the holder of the key can link to the value."""
        known = self._codes.get((purpose, entity, value))
        if known is None:
            data = f"{purpose}\0{entity}\0{value}".encode("utf-8", "surrogatepass")
            digest = base64.b32encode(hmac.digest(self._key, data, hashlib.sha256))
            known = self._codes[purpose, entity, value] = digest.decode().rstrip("=").lower()
        return known

    def holds(self, value: str) -> bool:
        """Return whether the value was found in this exchange."""
        return value in self._values

    def is_number(self, placeholder: str) -> bool:
        """Return whether the value stood in JSON as a number, and never as a string."""
        return placeholder in self._stood["number"] and placeholder not in self._stood["string"]

    def mark_restorable(self, placeholder: str, to: Collection[str] = ()) -> None:
        """Let this value go back to the caller, `to` these places; without any, to all.

        What was limited before stays so. Raises KeyError on a placeholder that is not ours.
        """
        self._restorable[placeholder] = self._entries[placeholder]
        if to:
            self._limits[placeholder] = self._limits.get(placeholder, frozenset(to)) & frozenset(to)

    @property
    def is_limited(self) -> bool:
        """Whether some value may not come back everywhere."""
        return bool(self._limits)

    def may_go(self, placeholder: str, destination: Destination) -> bool:
        """Return whether a value that may be restored may be so there."""
        return admits(self._limits.get(placeholder), destination)

    @property
    def restorable(self) -> Mapping[str, VaultEntry]:
        """What may be restored, by placeholder."""
        return MappingProxyType(self._restorable)

    def _is_of_another(self, name: str, value: str) -> bool:
        known = self._entries.get(name) or (self._beside._entries.get(name) if self._beside else None)
        return known is not None and known.value != value
