"""JSON in which no key is given twice: two parsers could take a different one of them."""

from __future__ import annotations

import json
from typing import Any


class DuplicateKey(ValueError):
    """An object that has the same key twice."""


def strict_json(text: str, **hooks: Any) -> Any:
    """Return the document; `hooks` as of `json.loads`. Raises JSONDecodeError, DuplicateKey."""
    return json.loads(text, object_pairs_hook=unique_members, **hooks)


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members, as `object_pairs_hook` of `json`. Raises DuplicateKey."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateKey("a key is given twice")
    return members
