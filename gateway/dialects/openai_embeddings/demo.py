"""How the built-in demo provider embeds: equal texts have equal vectors, and that is all they say."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import orjson

_MOST = 4096  # dimensions


def demo(body: Mapping[str, Any], _: int) -> dict[str, Any]:
    """Return a vector for each input, as numbers or in base64."""
    given = body["input"]
    single = isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int))
    inputs = [given] if single else given
    size = min(int(body.get("dimensions") or 8), _MOST)
    data = []
    for index, one in enumerate(inputs):
        numbers = vector_of(one, size)
        packed = base64.b64encode(struct.pack(f"<{size}f", *numbers)).decode()
        embedding = packed if body.get("encoding_format") == "base64" else numbers
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    sent = len(orjson.dumps(given)) // 4
    usage = {"prompt_tokens": sent, "total_tokens": sent}
    return {"object": "list", "data": data, "model": str(body.get("model", "demo")), "usage": usage}


def vector_of(text: Any, size: int) -> list[float]:
    """Return numbers between -1 and 1 that depend on the text only."""
    digest = hashlib.shake_256(orjson.dumps(text)).digest(size)
    return [(byte - 127.5) / 127.5 for byte in digest]
