"""A JSON text that goes on in its own bytes, as long as it says what was read in it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from gateway.dialects.reading.document import MANY_FLOATS, serialize

# Of fewer digits every decimal number is a double of its own, and no exponent is a place for digits.
_LONG = re.compile(rb"[0-9][0-9.]{16,}|[0-9][eE][+-]?[0-9]{3,}|[0-9]{2}[0-9.]{5,}[eE]")
# As no writer of doubles spells one: its digits are read with their point elsewhere.
_MOVED = re.compile(r"-?[0-9]{2}[0-9.]{5,}[eE]")
_EXPONENT = 4  # characters: three digits and a sign


class Spelling:
    """The bytes of a JSON text beside its document, which may change.

    What is not changed keeps its blanks, its escapes and the spelling of its numbers.
    """

    __slots__ = ("_before", "_raw")

    def __init__(self, raw: bytes, document: Any) -> None:
        self._raw = raw
        self._before = serialize(document)

    def encode(self, document: Any) -> bytes:
        """Return the document as bytes: the ones that it came in, unless it says something else now."""
        said = serialize(document)
        return self._raw if said == self._before and _is_exact(self._raw) else said


def _is_exact(raw: bytes) -> bool:
    """Return whether no number has digits that a double loses: nothing has looked at those."""
    if not _LONG.search(raw):
        return True
    if raw.count(b".") > MANY_FLOATS:  # to look at each takes longer than it is worth
        return False
    lost: list[str] = []

    def keep(literal: str) -> None:
        _, _, exponent = literal.lower().partition("e")
        if (
            len(exponent) > _EXPONENT
            or _MOVED.match(literal)
            or Decimal(literal) != Decimal(repr(float(literal)))
        ):
            lost.append(literal)

    json.loads(raw, parse_float=keep)
    return not lost
