"""Text on its way into SQL of our own, where no parameter can stand: names of files, settings, comments."""

from __future__ import annotations


def literal(text: str) -> str:
    """Return the text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
