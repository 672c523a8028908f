"""Request bodies of people's requests: small, and not awaited for ever."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from gateway.errors import RegateError

BODY_BYTES = 64 * 1024
BODY_SECONDS = 10.0


class BodyTooLarge(RegateError):
    """More than 64 KiB."""


class BodyTooLate(RegateError):
    """It did not arrive in ten seconds."""


async def read_body(request: Request) -> bytes:
    """Read the whole body.

    Raises BodyTooLarge, before reading where the length is announced, BodyTooLate and ClientDisconnect.
    """
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > BODY_BYTES:
        raise BodyTooLarge(f"the body is over {BODY_BYTES} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise BodyTooLarge(f"the body is over {BODY_BYTES} bytes")
    except TimeoutError as error:
        raise BodyTooLate(f"the body did not arrive in {BODY_SECONDS:g} s") from error
    return bytes(body)
