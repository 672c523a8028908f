"""An archive is the same byte for byte on every machine, and nothing hostile comes out of one."""

from __future__ import annotations

import contextlib
import gzip
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.bundle.archive import BadArchive, pack, unpack


def test_the_bytes_do_not_depend_on_the_machine() -> None:
    packed = pack({"b.rego": b"x" * 70_000, "a.rego": b"y"})
    assert hashlib.sha256(packed).hexdigest() == PACKED
    assert unpack(packed) == {"a.rego": b"y", "b.rego": b"x" * 70_000}


PACKED = "c823dc72301def46273db71ee0a7f24e5176e7166e99c3ddafd187a08b8f1db1"


@given(st.binary(max_size=4000))
def test_no_bytes_do_anything_but_unpack_or_be_refused(content: bytes) -> None:
    with contextlib.suppress(BadArchive):
        unpack(content)


@given(st.lists(st.tuples(st.integers(0, 5 * 512), st.integers(0, 255)), min_size=1, max_size=40))
def test_no_header_of_a_tar_does_anything_but_unpack_or_be_refused(changes: list[tuple[int, int]]) -> None:
    tar = bytearray(gzip.decompress(pack({"a.rego": b"x" * 600, "b.rego": b"y" * 600})))
    for at, value in changes:
        tar[at] = value
    for header in (0, 3 * 512):
        with contextlib.suppress(BadArchive):
            unpack(gzip.compress(_summed(bytes(tar), header), compresslevel=1))


def _summed(tar: bytes, at: int) -> bytes:
    """The tar with a checksum that fits the header at `at`, so that what it says is believed."""
    blank = tar[: at + 148] + b" " * 8 + tar[at + 156 :]
    return blank[: at + 148] + b"%06o\0 " % sum(blank[at : at + 512]) + blank[at + 156 :]
