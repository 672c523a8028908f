"""Messages on the pipes to child processes: four bytes of length (big endian) and that many bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import asyncio

_LENGTH = struct.Struct(">I")


def encode_message(body: bytes) -> bytes:
    """Return the body with its length before it."""
    return _LENGTH.pack(len(body)) + body


async def receive_message(stream: asyncio.StreamReader, at_most: int) -> bytes:
    """Return the next body. Raises IncompleteReadError; ValueError when it is over `at_most` bytes."""
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > at_most:
        raise ValueError("an answer over the limit")
    return await stream.readexactly(length)


def read_message(stream: BinaryIO) -> bytes | None:
    """Return the next body; None when the other side has gone."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    body = stream.read(length)
    return body if len(body) == length else None


def write_message(stream: BinaryIO, body: bytes) -> None:
    """Send the body as one message."""
    stream.write(encode_message(body))
    stream.flush()
