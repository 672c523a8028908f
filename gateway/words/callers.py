"""Who asks: the agent, the person it acts for, and where from."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Method = Literal["api_key", "oidc", "mtls"]
Proof = Literal["asserted", "proved"]


@dataclass(frozen=True, slots=True)
class Delegate:
    """One for whom an agent acts: said by the agent, or proved by a token of the issuer."""

    name: str
    issuer: str
    proof: Proof


class KeyScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key is good for; where nothing is named, for all. Names are globs, networks in CIDR form.

    `limits` are the most of what the key may use: `requests_1m`, `tokens_day`, `cost_micros_month`.
    """

    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    limits: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Agent:
    """An authenticated caller. `owner` is the person who answers for it; `key_id` names its credential.

    `delegation` leads from the end user over agents between to this one. `until` is when the credential ends,
    in seconds since 1970.
    """

    id: str
    owner: str
    method: Method
    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    key_id: str = ""
    delegation: tuple[Delegate, ...] = ()
    scope: KeyScope = field(default_factory=KeyScope)
    until: float = math.inf

    @property
    def delegated(self) -> Proof | None:
        """How the end user is known: as well as the weakest part of the chain; None without one."""
        proofs = {each.proof for each in self.delegation}
        return "asserted" if "asserted" in proofs else "proved" if proofs else None

    @property
    def person(self) -> str:
        """Whose budgets it draws on: the end user that it acts for, or else its owner."""
        return counted_name(self.on_behalf_of or self.owner)


def counted_name(name: str) -> str:
    """Return a person's name as budgets count it, in whatever case and width and with whatever spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@dataclass(frozen=True, slots=True)
class Source:
    """Where the request came from."""

    ip: str
    user_agent: str
