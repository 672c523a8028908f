"""Private keys without PEM armor: JWK (RFC 7517), PuTTY's files, and the DER that stands inside of PEM."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.detect.matching.patterns import Deadline
from gateway.words import Match

_LONGEST = 16384  # characters of one key
# The members of a JWK that hold what is private (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_JWK = re.compile(r"[\"'](?:kty|crv)[\"']\s{0,8}:\s{0,8}[\"'][A-Za-z0-9\-]{1,16}[\"']")
_MEMBER = re.compile(r"[\"'](?:d|p|q|dp|dq|qi|k)[\"']\s{0,8}:\s{0,8}[\"']([A-Za-z0-9_\-]{20,}={0,2})")
_MEMBER_VALUE = re.compile(r"(?=[^\d]*\d)(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9_\-]{42,}={0,2}")
_PUTTY = "PuTTY-User-Key-File-"
_PUTTY_PRIVATE = re.compile(
    r"Private-Lines:[ \t]{0,8}\d{1,5}\s{1,8}(?:[A-Za-z0-9+/=]{4,128}\s{1,8})*+(?:[A-Za-z0-9+/=]{4,128}\Z)?"
    r"(?:Private-(?:MAC|Hash):[ \t]{0,8}[0-9A-Fa-f]{16,128})?"
)
_PUTTY_END = re.compile(r"Private-(?:MAC|Hash):[ \t]{0,8}[0-9A-Fa-f]{16,128}\s")
_SEQUENCE = rb"\x30(?:[\x10-\x7f]|\x81.|\x82..)"
_DER = re.compile(
    # PKCS #8 (RFC 5958) and #12, PKCS #1 (RFC 8017), SEC 1 (RFC 5915), and encrypted PKCS #8
    _SEQUENCE + rb"(?:\x02\x01[\x00\x01\x03]\x30.\x06|\x02\x01\x03\x30|\x02\x01[\x00\x01]\x02[\x10-\x82]"
    rb"|\x02\x01\x01\x04[\x10-\x42]|\x30(?:.|\x81.)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c))"
    rb"|openssh-key-v1\0",
    re.DOTALL,
)


def find_bare_keys(text: str, deadline: Deadline) -> Iterator[Match]:
    """Yield the private members of every JWK and every PuTTY key. Raises InspectionFailed."""
    yield from _jwks(text, deadline)
    for private in _PUTTY_PRIVATE.finditer(text):
        begin = text.rfind(_PUTTY, max(0, private.start() - _LONGEST), private.start())
        deadline.left()
        yield Match("PRIVATE_KEY", "secret", 1.0, private.start() if begin < 0 else begin, private.end())


def is_jwk_member(key: str, text: str) -> bool:
    """Return whether this is a private member of a JWK whose members are parts of their own."""
    return key in PRIVATE_MEMBERS and _MEMBER_VALUE.fullmatch(text) is not None


def is_private_key(data: bytes) -> bool:
    """Return whether the bytes begin as a private key does."""
    return _DER.match(data) is not None


def open_bare_key(text: str) -> int:
    """Return where a PuTTY key begins whose last line has not come, or -1."""
    begin = text.rfind(_PUTTY, max(0, len(text) - _LONGEST))
    return begin if begin >= 0 and not _PUTTY_END.search(text, begin) else -1


def _jwks(text: str, deadline: Deadline) -> Iterator[Match]:
    at = 0 if "kty" in text or "crv" in text else len(text)
    while mark := _JWK.search(text, at):
        deadline.left()
        first = text.rfind("{", max(at, mark.start() - _LONGEST), mark.start())
        last = text.find("}", mark.end(), mark.end() + _LONGEST)
        first = max(at, mark.start() - _LONGEST) if first < 0 else first
        at = last if last >= 0 else min(len(text), mark.end() + _LONGEST)
        for member in _MEMBER.finditer(text, first, at):
            yield Match("PRIVATE_KEY", "secret", 1.0, *member.span(1))
