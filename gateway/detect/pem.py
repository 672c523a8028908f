"""Private keys in PEM (RFC 7468) and OpenPGP armour, whole, also when the end is cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.exchange import Span

BEGIN = re.compile(r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# white space is all that can follow the words that are there, where a stream stops to look
_HALF_BEGIN = re.compile(r"-----BEGIN[ A-Z0-9]{0,60}$")
_END = re.compile(r"-----END[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----")
# between the lines: white space, escaped line ends, quotes, and what joins string literals or quotes mail
_JOIN = r"(?:[\s\"'`+,;>|#*.()]|\\+[nrt]|\\+[\"'])*+"
_BODY = re.compile(
    rf"(?:{_JOIN}(?:[A-Za-z\-]{{2,30}}: [^\n\\]{{1,200}}|[A-Za-z0-9+/=]{{16,}}+))*+"
    rf"(?:{_JOIN}[A-Za-z0-9+/]{{1,15}}(?:={{1,2}}|\Z))?"
)
_RUN = re.compile(r"[A-Za-z0-9+/=]{16}")
_UNDECIDED = 256
_LONGEST = 65536


def find_private_keys(text: str) -> Iterator[Span]:
    """Every private key: to its END line, or as far as its lines go. A BEGIN line alone is no key."""
    at = 0
    while begin := BEGIN.search(text, at):
        at = _end_of(text, begin.end())
        if _RUN.search(text, begin.end(), at):
            yield Span("PRIVATE_KEY", "secret", 1.0, begin.start(), at)
        else:
            at = begin.end()


def open_private_key(text: str) -> int:
    """Where a private key begins that more text may still complete, or -1."""
    begins = list(BEGIN.finditer(text))
    begin = begins[-1] if begins else None
    if begin and not _END.search(text, begin.end()) and _may_be_a_key(text, begin.end()):
        return begin.start()
    half = _HALF_BEGIN.search(text, max(0, len(text) - 80))
    return half.start() if half else -1


def _may_be_a_key(text: str, start: int) -> bool:
    """Whether a key follows the BEGIN line, or nothing yet that says otherwise."""
    return len(text) - start < _UNDECIDED or _RUN.search(text, start, start + _UNDECIDED) is not None


def _end_of(text: str, start: int) -> int:
    following = BEGIN.search(text, start)
    limit = min(following.start() if following else len(text), start + _LONGEST)
    end = _END.search(text, start, limit)
    if end:
        return end.end()
    body = _BODY.match(text, start, limit)
    return body.end() if body else start
