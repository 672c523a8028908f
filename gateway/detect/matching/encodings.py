"""Runs of base64, base32, hex and unseen characters, and what they decode to: a key, or text.

For example, `RnJvbTogamFuZUBhY21lLm9yZw==` decodes to text with an address in it. All of the run is then a
finding: a part of it cannot be replaced.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

from gateway.detect.matching.keys import is_private_key
from gateway.detect.matching.patterns import Deadline
from gateway.detect.matching.prefilter import Candidates

# A run on one line, or on lines of one length as MIME and PEM have them. What is decoded is looked at once.
_RUN = re.compile(
    r"(?<![A-Za-z0-9+/_\-])(?:(?:[A-Za-z0-9+/]{76}\r?\n|[A-Za-z0-9+/]{64}\r?\n)+[A-Za-z0-9+/]{1,76}"
    r"|[A-Za-z0-9+/_\-]{14,})={0,6}"
)
_FULL_LINE = re.compile(r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n\Z")
_LAST_LINE = re.compile(r"[A-Za-z0-9+/]{0,76}\n?")
# Where one begins: the prefilter is told of this, so that no other word is looked at.
_LEAST = 14
RUN_BEGIN = regex.compile(r"(?:\A|[^A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{14}")
_LONGEST_OPEN = 65536  # characters of a run in a text that still grows
_HEX, _BASE32 = re.compile(r"(?:[0-9A-Fa-f]{2})+"), re.compile(r"[A-Z2-7]+")
_HEX_SIGNS = ("0x", "0X")
# Characters that show nothing and say something: Unicode's tags as ASCII, its variation selectors as bytes.
# Models read them; people, whom an approval shows the text, do not.
_UNSEEN = re.compile(
    "(?:[\U000e0020-\U000e007e][\u200b-\u200f\u2060-\u2064]*){4,}|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}"
)
_TAGS, _SELECTORS, _MORE_SELECTORS = range(0xE0020, 0xE007F), range(0xFE00, 0xFE10), 0xE0100
_URL_ALPHABET = str.maketrans("-_", "+/")
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")  # gzip (RFC 1952), zlib (RFC 1950)
_MOST_EXPANDED = 16  # times its size: what is compressed further is no writing
# What no text has: control characters, and bytes that are not UTF-8. A text may have a few around it.
_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_MOST_STRANGE = 0.2
_WIDE = 0.2  # of all pairs of bytes hold a zero at one place: UTF-16 with letters of ours


@dataclass(frozen=True, slots=True)
class EncodedRun:
    """Encoded characters of a text, what they may say, and whether they are a private key."""

    start: int
    end: int
    texts: tuple[str, ...]
    is_key: bool


def encoded_runs(candidates: Candidates, deadline: Deadline) -> Iterator[EncodedRun]:
    """Yield every run that decodes to text or to a private key. Raises InspectionFailed."""
    yield from _unseen_runs(candidates.text)
    at = 0
    for begin in candidates.matches(RUN_BEGIN, deadline):
        found = _RUN.match(candidates.text, max(at, begin.end() - _LEAST))
        if found is None:  # a line of the run before
            continue
        deadline.left()
        at = found.end()
        data = list(_decoded(found.group()))
        is_key = any(map(is_private_key, data))
        texts = tuple(text for one in data if (text := _as_text(one)))
        if texts or is_key:
            yield EncodedRun(found.start(), found.end(), texts, is_key)


def _unseen_runs(text: str) -> Iterator[EncodedRun]:
    """Yield every run of characters that show nothing, with the text that they say."""
    for found in () if text.isascii() else _UNSEEN.finditer(text):
        codes = list(map(ord, found.group()))
        if codes[0] in _TAGS:
            said = "".join(chr(code - 0xE0000) for code in codes if code in _TAGS)
        else:
            said = _as_text(
                bytes(code - 0xFE00 if code in _SELECTORS else code - _MORE_SELECTORS + 16 for code in codes)
            )
        yield EncodedRun(found.start(), found.end(), (said,) if said else (), False)


def open_run(text: str) -> int:
    """Return where a run begins that ends the text behind a full line, so that more may follow, or -1.

    Lines are read from the end: a search from the front would read all lines again from each of them.
    """
    begin, first = -1, max(0, len(text) - _LONGEST_OPEN)
    at = text.rfind("\n", first, len(text) - 1) + 1  # of the last line
    if text.endswith("\n") and _FULL_LINE.search(text, at):
        at = len(text)
    elif not _LAST_LINE.fullmatch(text, at):
        return -1
    while at > first:
        start = max(first, text.rfind("\n", first, at - 1) + 1)
        found = _FULL_LINE.search(text, start, at)
        if found is None:
            break
        begin = found.start()
        if begin > start:
            break
        at = start
    return begin


def _decoded(run: str) -> Iterator[bytes]:
    """Yield the bytes of a run in each alphabet that it may be written in (RFC 4648)."""
    joined = run.replace("\r", "").replace("\n", "").rstrip("=")
    decoders: list[Callable[[], bytes]] = [lambda: _base64(joined)]
    digits = joined[2:] if joined.startswith(_HEX_SIGNS) else joined
    if _HEX.fullmatch(digits):
        decoders.append(lambda: bytes.fromhex(digits))
    if _BASE32.fullmatch(joined):
        decoders.append(lambda: base64.b32decode(joined + "=" * (-len(joined) % 8)))
    for decode in decoders:
        try:
            data = decode()
        except ValueError:
            continue
        yield _expanded(data) if _COMPRESSED.match(data) else data


def _base64(joined: str) -> bytes:
    standard = joined.translate(_URL_ALPHABET)
    standard = standard[: len(standard) - (len(standard) % 4 == 1)]
    return base64.b64decode(standard + "=" * (-len(standard) % 4))


def _expanded(data: bytes) -> bytes:
    """Return what was compressed, as far as it grows within bounds; the data when it was not."""
    try:
        return zlib.decompressobj(wbits=47).decompress(data, _MOST_EXPANDED * len(data)) or data
    except zlib.error:
        return data


def _as_text(data: bytes) -> str:
    """Return the text in the bytes, with blanks for what is strange in it; "" when they hold no text."""
    text = data.decode(_encoding(data), "replace").removeprefix("\ufeff")
    plain = _STRANGE.sub("", text)
    return _STRANGE.sub(" ", text) if len(text) - len(plain) <= _MOST_STRANGE * len(text) else ""


def _encoding(data: bytes) -> str:
    pairs = len(data) // 2
    if data[1::2].count(0) > _WIDE * pairs:
        return "utf-16-le"
    return "utf-16-be" if data[::2].count(0) > _WIDE * pairs else "utf-8"
