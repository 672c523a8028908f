"""Scalars out of untrusted documents: the value when it is what it should be, else "" or -1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def string(members: Mapping[str, Any], key: str) -> str:
    value = members.get(key)
    return value if isinstance(value, str) else ""


def integer(members: Mapping[str, Any], *keys: str) -> int:
    """Return the first of `keys` that holds a whole number."""
    value = number(members, *keys)
    return int(value) if value == int(value) else -1


def number(members: Mapping[str, Any], *keys: str) -> float:
    """Return the first of `keys` that holds a number."""
    for key in keys:
        value = members.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    return -1


def total(members: Mapping[str, Any], *keys: str) -> int:
    """Return the sum of those `keys` that hold a whole number; -1 when none does."""
    counts = [count for key in keys if (count := integer(members, key)) >= 0]
    return sum(counts) if counts else -1


def cache_counts(details: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many tokens a prompt cache gave and took, in the words of OpenAI's APIs."""
    return integer(details, "cached_tokens"), integer(details, "cache_write_tokens")


def mapping(members: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under `key`; an empty one when there is none."""
    value = members.get(key)
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a list, with their indexes; none when it is not a list."""
    return (
        [(i, item) for i, item in enumerate(value) if isinstance(item, dict)]
        if isinstance(value, list)
        else []
    )
