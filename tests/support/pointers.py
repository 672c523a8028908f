"""JSON pointers (RFC 6901), read independently of the code under test."""

from __future__ import annotations

from typing import Any


def at(document: Any, pointer: str) -> Any:
    """Return the value at `pointer`. Raises LookupError when nothing stands there."""
    if pointer and not pointer.startswith("/"):
        raise LookupError(pointer)
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and (token == "0" or not token.startswith("0")) and token.isdecimal():
            document = document[int(token)]
        elif isinstance(document, dict):
            document = document[token]
        else:
            raise LookupError(pointer)
    return document
