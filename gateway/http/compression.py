"""Large answers go down compressed when their caller takes that. Streams do not: events go out at once."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

from gateway.exchange import Answer

_LEAST = 8192  # bytes: what is smaller is sent sooner as it is
_LEVEL = 1  # a third of the time of the usual level, for a tenth more bytes
_TYPES = ("application/json", "text/")


async def compressed(answer: Answer, accepted: str) -> Answer:
    """Return the answer in the coding gzip where its caller's `Accept-Encoding` and its size speak for it."""
    body, headers = answer.body, answer.headers
    if not isinstance(body, bytes) or len(body) < _LEAST or not takes_gzip(accepted):
        return answer
    if "content-encoding" in headers or not headers.get("content-type", "").startswith(_TYPES):
        return answer
    packed = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    coded = {**headers, "content-encoding": "gzip", "vary": "accept-encoding"}
    return replace(answer, headers=coded, body=packed)


def takes_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` names gzip, and does not rule it out by `q=0`."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";")
        if name in ("gzip", "x-gzip"):
            return weight.removeprefix("q=").strip("0.") != "" if weight else True
    return False
