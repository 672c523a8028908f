"""The archive that a bundle is: written the same byte for byte every time, read as something hostile."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zlib
from collections.abc import Mapping

MAX_PACKED = 16 * 1024 * 1024  # bytes, as sent
MAX_UNPACKED = 32 * 1024 * 1024  # bytes, as read
MAX_FILES = 10_000

# Each step of a path stands for itself everywhere: no `..`, no hidden file, nothing that a shell reads.
_NAME = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*|\.manifest|\.signatures\.json")
_GZIP_HEAD = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))  # deflate; no name, no time, no system
_GZIP = 16 + zlib.MAX_WBITS
_STORED = 0xFFFF  # bytes in one stored block of deflate


class BadArchive(ValueError):
    """Bytes that are no bundle; the message says what was found."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar of the files, sorted by name, without owner and time.

    The blocks are stored: compressed, they would depend on the zlib of the machine.
    """
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return _gzip(tar.getvalue())


def unpack(packed: bytes) -> dict[str, bytes]:
    """Return the files of an archive.

    Raises BadArchive where it is cut off, too large, or holds anything but files of distinct, plain names.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_gunzip(packed)), mode="r:") as archive:
            for entry in archive:
                name = _named(entry)
                if name in files:
                    raise BadArchive(f"{name} is in it twice")
                if len(files) == MAX_FILES:
                    raise BadArchive(f"it has more than {MAX_FILES} files")
                content = archive.extractfile(entry)
                assert content is not None, "only plain files come here"
                files[name] = content.read()
    except (tarfile.TarError, ValueError, EOFError, OverflowError) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive(f"it is no whole tar archive: {error}") from error
    return files


def _gzip(content: bytes) -> bytes:
    blocks = [content[at : at + _STORED] for at in range(0, len(content), _STORED)]
    deflated = b"".join(
        struct.pack("<BHH", at == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for at, block in enumerate(blocks)
    )
    return _GZIP_HEAD + deflated + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _gunzip(packed: bytes) -> bytes:
    if len(packed) > MAX_PACKED:
        raise BadArchive(f"it has more than {MAX_PACKED} bytes")
    stream = zlib.decompressobj(_GZIP)
    try:
        content = stream.decompress(packed, MAX_UNPACKED + 1)
    except zlib.error as error:
        raise BadArchive(f"it is no gzip archive: {error}") from error
    if len(content) > MAX_UNPACKED:
        raise BadArchive(f"it unpacks to more than {MAX_UNPACKED} bytes")
    if not stream.eof:
        raise BadArchive("it is cut off")
    if stream.unused_data:
        raise BadArchive("bytes follow after its end")
    return content


def _named(entry: tarfile.TarInfo) -> str:
    """Return the entry's name without the leading slash that `opa build` writes."""
    name = entry.name.removeprefix("/")
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse() or entry.size < 0:
        raise BadArchive(f"{name!r} is no plain file")
    if not _NAME.fullmatch(name) or len(name) > 500:
        raise BadArchive(f"{name[:100]!r} is not a name that a file of a bundle may have")
    return name
