"""Leaves that are exempt: what is really base64 of what it should be, and nothing else."""

import base64
import random

import pytest

from gateway.dialects.reading.encoded import read_file, read_media, read_recording, read_sealed

NOISE = random.Random(7).randbytes(600)
PNG = b"\x89PNG\r\n\x1a\n" + NOISE[:401]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_an_image_is_opaque_and_has_its_size_and_type() -> None:
    found = read_media(f"data:image/png;base64,{encoded(PNG)}")
    assert found is not None
    assert (found.media_type, found.size, found.text, found.opaque) == ("image/png", len(PNG), None, True)


@pytest.mark.parametrize("leaf", [encoded(PNG[:30]), encoded(PNG).rstrip("="), encoded(b"x" + PNG)])
def test_what_could_be_words_is_inspected_as_it_stands(leaf: str) -> None:
    found = read_media(leaf, "image/png")
    assert found is None or not found.opaque


def test_text_in_base64_is_read_as_text() -> None:
    found = read_media(encoded(b"write to jane@example.com " * 20), "text/plain")
    assert found is not None
    assert found.text == "write to jane@example.com " * 20


@pytest.mark.parametrize("leaf", [None, 7, "", "not base64!", "a" * 300 + "-" + "+" * 3])
def test_what_is_not_base64_is_nothing(leaf: object) -> None:
    assert read_media(leaf) is read_recording(leaf) is None
    assert read_sealed(leaf) is None


def test_only_what_looks_encrypted_is_sealed() -> None:
    found, words = read_sealed(encoded(NOISE)), read_sealed("four" * 200)
    assert found is not None
    assert found.opaque
    assert words is not None
    assert not words.opaque


@pytest.mark.parametrize(
    ("data", "content_type", "kind", "text", "codec"),
    [
        (b"\x89PNG\r\n\x1a\n\0\xff", "text/plain", "image", None, ""),
        (b"RIFF\1\2\3\4WAVEfmt \xff", "audio/wav", "audio", None, ""),
        (b"\0\0\0\x18ftypM4A \0\xff", "", "audio", None, ""),
        (b"\0\0\0\x18ftypisom\0\xff", "", "video", None, ""),
        (b"\0\0\0\x18ftypavif\0\xff", "", "image", None, ""),
        (b"PK\x03\x04\xff", "image/png", "file", None, ""),
        (b"\x01\xff\xfe\x02", "image/png", "opaque", None, ""),
        (b"%PDF-1.4 plain", "application/pdf", "file", "%PDF-1.4 plain", "utf-8"),
        (b"BM is a format", "image/bmp", "", "BM is a format", "utf-8"),
        ("Zoë".encode(), "", "", "Zoë", "utf-8"),
        (b"Zo\xeb", "text/csv", "", "Zoë", "latin-1"),
        ("Zoë".encode("utf-16"), "", "", "\ufeffZoë", "utf-16-le"),
        ("Zoë".encode("utf-16-le"), "text/plain", "opaque", None, ""),
        (b"jane+AEA-acme.org", "text/plain; charset=utf-7", "opaque", None, ""),
        (b"a\0b", "text/plain", "opaque", None, ""),
        (b"", "", "", "", "utf-8"),
    ],
)
def test_a_file_is_what_its_bytes_say(
    data: bytes, content_type: str, kind: str, text: str | None, codec: str
) -> None:
    found = read_file(data, content_type)

    assert (found.kind, found.text, found.codec) == (kind, text, codec)
    assert text is None or text.encode(codec) == data
