"""Compressed bodies are undone within the bound, or refused."""

from __future__ import annotations

import contextlib
import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.reading.encoding import decompress
from gateway.errors import InvalidRequest, PromptTooLarge


def raw_deflate(body: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(body) + encoder.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
MIB = 1024 * 1024


@given(st.binary(), st.sampled_from(sorted(CODERS)))
def test_every_coding_is_undone(body: bytes, name: str) -> None:
    assert decompress(CODERS[name](body), name, MIB) == body


@given(st.binary())
def test_deflate_without_its_header_is_undone(body: bytes) -> None:
    assert decompress(raw_deflate(body), "deflate", MIB) == body


def test_stacked_codings_are_undone_last_first() -> None:
    assert decompress(brotli.compress(gzip.compress(b"hello")), "gzip, BR", MIB) == b"hello"


def test_no_coding_and_identity_leave_the_body() -> None:
    assert decompress(b"x", "", 1) == decompress(b"x", "identity", 1) == b"x"


@pytest.mark.parametrize("name", sorted(CODERS))
def test_the_limit_is_exact(name: str) -> None:
    body = b"a" * 1000
    assert decompress(CODERS[name](body), name, 1000) == body
    with pytest.raises(PromptTooLarge):
        decompress(CODERS[name](body), name, 999)


@pytest.mark.parametrize("name", sorted(CODERS))
def test_a_bomb_is_too_large(name: str) -> None:
    bomb = CODERS[name](bytes(8 * MIB))
    with pytest.raises(PromptTooLarge):
        decompress(bomb, name, MIB)
    with pytest.raises(PromptTooLarge):
        decompress(gzip.compress(bomb), f"{name}, gzip", MIB)


def test_a_plain_body_over_the_limit_is_too_large() -> None:
    with pytest.raises(PromptTooLarge):
        decompress(b"12345", "", 4)


@pytest.mark.parametrize("name", sorted(CODERS))
@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:1], lambda b: b"", lambda b: b + b"x"])
def test_truncated_and_trailing_bytes_are_refused(name: str, spoil) -> None:
    body = spoil(CODERS[name](bytes(range(256)) * 300))
    with pytest.raises(InvalidRequest):
        decompress(body, name, MIB)


@pytest.mark.parametrize("name", sorted(CODERS))
def test_a_second_member_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        decompress(CODERS[name](b"one") + CODERS[name](b"two"), name, MIB)


@pytest.mark.parametrize("encodings", ["lzma", "gzip, gzip, gzip", "gzip;q=1", "compress", "br, sdch"])
def test_unknown_and_over_stacked_codings_are_refused(encodings: str) -> None:
    with pytest.raises(InvalidRequest):
        decompress(gzip.compress(b"x"), encodings, MIB)


@given(st.binary(), st.sampled_from(sorted(CODERS)))
def test_any_bytes_are_undone_or_refused(body: bytes, name: str) -> None:
    with contextlib.suppress(InvalidRequest, PromptTooLarge):
        assert len(decompress(body, name, 1000)) <= 1000
