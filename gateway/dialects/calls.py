"""Tool-call arguments that travel as JSON inside a string."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.dialects.document import Malformed, parse, serialise
from gateway.exchange import Part


def parse_arguments(raw: str) -> Mapping[str, Any] | None:
    """The arguments as an object, an empty one when nothing is written; None when they are not an object."""
    if not raw.strip():
        return {}
    try:
        arguments = parse(raw.encode())
    except (Malformed, UnicodeEncodeError):
        return None
    return arguments if isinstance(arguments, dict) else None


def plain_arguments(raw: str) -> str:
    r"""The arguments with no character written as an escape that needs none.

    `{"to": "a\u0040b.example"}` and `{"to": "a@b.example"}` mean the same, and only the second shows what
    it says.
    """
    if "\\u" not in raw and "\\/" not in raw:
        return raw
    arguments = parse_arguments(raw)
    return raw if arguments is None else serialise(arguments).decode()


def pointers_below(parts: Iterable[Part], pointer: str) -> tuple[str, ...]:
    """The pointers of the parts that stand at or below `pointer`, each once, in order."""
    below = (
        part.pointer for part in parts if part.pointer == pointer or part.pointer.startswith(f"{pointer}/")
    )
    return tuple(dict.fromkeys(below))
