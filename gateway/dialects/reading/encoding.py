"""Content codings (RFC 9110 §8.4), undone within a bound."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # it ships no stubs
import zstandard

from gateway.errors import InvalidRequest, PromptTooLarge

_MOST_CODINGS = 2
_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a decoder of the `zstd` content coding must take, and no more
_RAW, _ZLIB, _GZIP = -zlib.MAX_WBITS, zlib.MAX_WBITS, zlib.MAX_WBITS | 16


def decompress(body: bytes, encodings: str, limit: int) -> bytes:
    """Undo the codings of a Content-Encoding header (last applied first), to at most `limit` bytes.

    Raises PromptTooLarge over the limit, at any stage, and InvalidRequest on a coding that is unknown,
    truncated, followed by other bytes, or stacked more than twice.
    """
    codings = [
        name for item in encodings.split(",") if (name := item.strip().lower()) not in ("", "identity")
    ]
    if len(codings) > _MOST_CODINGS:
        raise InvalidRequest(
            f"content-encoding: expected at most {_MOST_CODINGS} codings, found {len(codings)}"
        )
    _check(len(body), limit)
    for name in reversed(codings):
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise InvalidRequest("content-encoding: expected gzip, deflate, br, zstd or identity")
        body = decoder(body, limit)
    return body


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise PromptTooLarge(f"the body is over {limit} bytes")


def _gzip(body: bytes, limit: int) -> bytes:
    return _inflate(body, limit, _GZIP, "gzip")


def _deflate(body: bytes, limit: int) -> bytes:
    """Undo the zlib format (RFC 1950), which the name means; some senders leave its header out (RFC 1951)."""
    headed = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflate(body, limit, _ZLIB if headed else _RAW, "deflate")


def _inflate(body: bytes, limit: int, wbits: int, name: str) -> bytes:
    decoder = zlib.decompressobj(wbits)
    try:
        plain = decoder.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidRequest(f"content-encoding: the body is not valid {name}") from error
    _check(len(plain), limit)
    if not decoder.eof:
        raise InvalidRequest(f"content-encoding: the {name} body is truncated")
    if decoder.unused_data:
        raise InvalidRequest(f"content-encoding: bytes follow the end of the {name} body")
    return plain


def _brotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    pieces, size = [], 0
    try:
        piece = decoder.process(body, output_buffer_limit=limit + 1)
        while piece:
            pieces.append(piece)
            size += len(piece)
            _check(size, limit)
            piece = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=limit + 1)
    except brotli.error as error:  # raised for bytes after the end, too
        raise InvalidRequest("content-encoding: the body is not valid br") from error
    if not decoder.is_finished():
        raise InvalidRequest("content-encoding: the br body is truncated")
    return b"".join(pieces)


def _zstd(body: bytes, limit: int) -> bytes:
    """Read once within the bound; only then again whole, by the interface that tells how the frame ended."""
    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    try:
        with context.stream_reader(io.BytesIO(body)) as reader:
            _check(len(reader.read(limit + 1)), limit)
        decoder = context.decompressobj()
        plain = decoder.decompress(body)
    except zstandard.ZstdError as error:
        raise InvalidRequest("content-encoding: the body is not valid zstd") from error
    if not decoder.eof:
        raise InvalidRequest("content-encoding: the zstd body is truncated")
    if decoder.unused_data:
        raise InvalidRequest("content-encoding: bytes follow the end of the zstd body")
    return plain


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
