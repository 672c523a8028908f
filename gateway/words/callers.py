"""Who asks: the agent, the person it acts for, and where from."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Agent:
    """An authenticated caller. `owner` is the person who answers for it; `key_id` names its credential."""

    id: str
    owner: str
    method: Literal["api_key", "oidc"]
    groups: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    on_behalf_of: str = ""
    key_id: str = ""

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
