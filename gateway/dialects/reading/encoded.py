"""Leaves that are exempt from inspection: what is base64, media or sealed, and what is text after all."""

from __future__ import annotations

import binascii
import codecs
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

# Letters, and no run of digits that could be a personal number: this reaches policy as it stands.
_MEDIA_TYPE = re.compile(
    r"(?:application|audio|font|image|model|text|video)/(?:[a-z.+-]|[0-9]{1,3}(?![0-9])){1,80}"
)
_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*);base64,", re.IGNORECASE)
_TEXT_TYPE = re.compile(
    r"text/.*|application/(?:json|xml|csv|yaml|x-yaml|toml|sql|rtf|javascript|x-javascript|ecmascript"
    r"|graphql|x-ndjson|jsonl|x-jsonl|x-sh|x-httpd-php|typescript|x-www-form-urlencoded)|.*\+(?:json|xml|yaml)"
)
# Of images, documents, archives, audio, video. An icon has images: frames of 256 bytes begin as one of none.
_SIGNATURES = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|BM|II\*\0|MM\0\*|RIFF....(?:WEBP|WAVE|AVI )|....ftyp"
    rb"|\x00\x00\x01\x00[^\x00]\x00|%PDF-|PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\x1f\x8b\x08"
    rb"|ID3|\xff[\xe2\xe3\xf0-\xf3\xf8-\xfb]|OggS|fLaC|\x1aE\xdf\xa3|FORM....AIF",
    re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

_KINDS = (  # of a file by how it begins; what another format holds is a `file`
    (
        "image",
        re.compile(
            rb"\x89PNG|\xff\xd8\xff|GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP|\x00\x00\x01\x00[^\x00]\x00|....ftyp(?:avi|hei|mif)",
            re.DOTALL,
        ),
    ),
    (
        "audio",
        re.compile(
            rb"RIFF....WAVE|ID3|\xff[\xe2\xe3\xf0-\xf3\xf8-\xfb]|OggS|fLaC|FORM....AIF|....ftypM4A", re.DOTALL
        ),
    ),
    ("video", re.compile(rb"RIFF....AVI |....ftyp|\x1aE\xdf\xa3", re.DOTALL)),
)
_CHARSET = re.compile(r"""charset[^=;]*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_READABLE = ("utf-8", "utf8", "us-ascii", "ascii")  # what decoding as UTF-8 reads right

# An API key or a card number is base64 as well: what is this short is inspected as it stands, too.
_SHORT = 256
_WINDOW = 128  # characters
# The squared counts of 128 evenly drawn characters of 64 add up to 382 ± 23; those of words to over 1,000.
_UNEVEN = 520


@dataclass(frozen=True, slots=True)
class Encoded:
    """A leaf that really is base64.

    `text` is what it decodes to, if that is text. `opaque`: the leaf as it stands holds no person's words.
    """

    media_type: str
    size: int  # bytes, decoded
    text: str | None
    opaque: bool


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file that is sent as it is.

    `kind` says what it is by how it begins, whatever its type says: `image`, `audio`, `video`, `file`, or
    `opaque` when that is not known; "" for text. `codec` makes the same bytes of its `text`.
    """

    kind: str
    media_type: str
    text: str | None
    codec: str


def read_file(data: bytes, content_type: str) -> FileContent:
    """Return what a file says, or what it is. Text in a charset that is not read is opaque."""
    media_type = content_type.partition(";")[0].strip().lower()
    named = media_type if _MEDIA_TYPE.fullmatch(media_type) else ""
    kind = "file" if _SIGNATURES.match(data) else ""
    kind = next((name for name, begins in _KINDS if kind and begins.match(data)), kind)
    codec = "" if has_other_charset(content_type) else _codec_of(data, named, kind)
    if not codec:
        return FileContent(kind or "opaque", named, None, "")
    text = data.decode(codec)
    # letters may begin as a format does: what has no other sign of it is text
    is_text = kind not in ("file", "video") and not _CONTROL.search(data)
    return FileContent("" if is_text else kind, named, text, codec)


def as_text(body: bytes, content_type: str) -> str | None:
    """Return a body as the text that every reader sees, None when it is binary or in another charset.

    UTF-16 of plain English is valid UTF-8 with a NUL behind each letter, where no detector finds a word.
    """
    if has_other_charset(content_type) or b"\0" in body:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def has_other_charset(content_type: str) -> bool:
    """Return whether a Content-Type names a charset in which UTF-8 would be read wrong."""
    return any(charset.lower() not in _READABLE for charset in _CHARSET.findall(content_type))


def _codec_of(data: bytes, media_type: str, kind: str) -> str:
    """Return what decodes a file to text and back to the same bytes, "" when it is no text."""
    utf_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(data[:2])
    for codec in (utf_16,) if utf_16 else ("utf-8",):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            break
        if "\0" not in text:
            return codec
    is_text = not kind and (_TEXT_TYPE.fullmatch(media_type) or not _CONTROL.search(data))
    return "latin-1" if is_text and b"\0" not in data else ""


def read_media(leaf: object, media_type: str = "") -> Encoded | None:
    """Media sent to a provider, plain or as a `data:` URL; None when it is no base64 at all.

    It is opaque when it is strictly base64 (RFC 4648 §4) and begins as a known file format does.
    """
    return _read(leaf, media_type, _standard, lambda data, _: _SIGNATURES.match(data) is not None)


def read_recording(leaf: object, media_type: str = "") -> Encoded | None:
    """Media that a provider made: it streams, so that no piece but the first begins as its format does."""
    return _read(leaf, media_type, _standard, lambda *_: True)


def read_sealed(leaf: object) -> Encoded | None:
    """Read what only its provider can open; None when it is not base64 (RFC 4648 §4 or §5).

    It is opaque when its characters are as evenly spread as a cipher leaves them.
    """
    return _read(leaf, "", _either, lambda _, encoded: _is_even(encoded))


def read_body(data: bytes, media_type: str) -> Encoded:
    """Media that is a whole body, as a provider made it."""
    named = media_type if _MEDIA_TYPE.fullmatch(media_type) else ""
    text = _as_text(data, named) if data.strip(b"\0") else None  # zeros are silence
    return Encoded(named, len(data), text, opaque=True)


def _read(
    leaf: object,
    media_type: str,
    decode: Callable[[str], bytes | None],
    is_opaque: Callable[[bytes, str], bool],
) -> Encoded | None:
    if not isinstance(leaf, str):
        return None
    url = _DATA_URL.match(leaf)
    encoded, media_type = (leaf[url.end() :], url[1].lower()) if url else (leaf, media_type)
    data = decode(encoded)
    loose = data is None
    if data is None:
        data = _either("".join(encoded.split()))  # some providers take it all the same
    if not data:
        return None
    named = media_type if _MEDIA_TYPE.fullmatch(media_type) else ""
    spoken = url is not None and (url[2] or not named)  # parameters and odd types may hold anything
    opaque = len(encoded) >= _SHORT and not (loose or spoken)
    opaque = opaque and (_as_unicode(data) is not None or is_opaque(data, encoded))
    return Encoded(named, len(data), _as_text(data, named), opaque)


def _as_text(data: bytes, media_type: str) -> str | None:
    """Return what the bytes say, None when they are no text."""
    text = _as_unicode(data)
    if text is None and (_TEXT_TYPE.fullmatch(media_type) or not _CONTROL.search(data)):
        return data.decode("latin-1")  # some eight-bit encoding: its ASCII can be read
    return text


def _standard(encoded: str) -> bytes | None:
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # binascii.Error is one
        return None


def _either(encoded: str) -> bytes | None:
    if "-" in encoded or "_" in encoded:
        if "+" in encoded or "/" in encoded:
            return None
        encoded = encoded.replace("-", "+").replace("_", "/")
    return _standard(encoded + "=" * (-len(encoded) % 4))


def _as_unicode(data: bytes) -> str | None:
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_even(encoded: str) -> bool:
    """Return whether no stretch repeats its characters as words and numbers do."""
    last = max(len(encoded) - _WINDOW, 0)
    starts = [*range(0, last, _WINDOW), last]
    return all(_squares(encoded[start : start + _WINDOW]) <= _UNEVEN for start in starts)


def _squares(window: str) -> int:
    return sum(count * count for count in Counter(window).values())
