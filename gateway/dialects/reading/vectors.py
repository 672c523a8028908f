"""Texts as numbers: token ids that go to a model, and embeddings that come back. No detector reads them."""

from __future__ import annotations

import binascii
import math
import struct
from typing import Any

from gateway.dialects.reading.encoded import Encoded, read_recording
from gateway.dialects.reading.leaves import Label, Walk
from gateway.words import Attachment

_FLOAT = 4  # bytes
_FEWEST = 8  # floats: what is shorter could be a word in the alphabet of base64
_LARGEST = 1e4  # of a number in an embedding; four letters are read as 1e16 and more
_MOST_TOKENS = 10**6  # no vocabulary is larger, and seven digits could be a number of a person
_NUMBERS = frozenset((int, float))
_TOKEN = 4  # bytes that one token id counts as


def tokens_or_text(walk: Walk, value: Any, at: str, label: Label) -> None:
    """Read what a model is given: texts, or token ids, which become one attachment for each list of them."""
    if not isinstance(value, list):
        walk.syntax(value, at, label)
    elif value and all(type(item) is int and 0 <= item < _MOST_TOKENS for item in value):
        walk.attachments.append(Attachment("tokens", "", _TOKEN * len(value)))
    else:
        for index, item in enumerate(value):
            tokens_or_text(walk, item, f"{at}/{index}", label)


def vector(walk: Walk, _: dict[str, Any], value: Any, at: str, label: Label) -> None:
    """Read an embedding: numbers, lists of them, or the base64 of 32-bit floats, all of them exempt."""
    if isinstance(value, str):
        walk.encoded(value, at, label, "embedding", _floats(value) or read_recording(value))
    elif not isinstance(value, list):
        walk.syntax(value, at, label)
    elif not _NUMBERS.issuperset(map(type, value)):
        for index, item in enumerate(value):
            vector(walk, {}, item, f"{at}/{index}", label)


def _floats(leaf: str) -> Encoded | None:
    """Return a leaf that is the base64 of floats as an embedding has them; None when it is anything else."""
    try:
        data = binascii.a2b_base64(leaf, strict_mode=True)
    except ValueError:  # binascii.Error is one
        return None
    if len(data) % _FLOAT or len(data) < _FEWEST * _FLOAT:
        return None
    floats = struct.unpack(f"<{len(data) // _FLOAT}f", data)
    if not all(math.isfinite(number) and abs(number) < _LARGEST for number in floats):
        return None
    return Encoded("", len(data), None, opaque=True)
