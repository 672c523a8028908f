"""Private keys in PEM (RFC 7468) and OpenPGP armour, whole, also when the end is cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.words import Match

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
# A line of the key behind text that is not the key's (a line number, a diff's mark, a log's prefix): base64
# that no path, hash or word looks like.
_FAR_RUN = re.compile(
    r"(?<![A-Za-z0-9+/])(?=[^\W_]{0,60}?\d)(?=[\w+/]{0,60}?[a-z])(?=[\w+/]{0,60}?[A-Z])[A-Za-z0-9+/]{30,}+={0,2}"
)
_REST = re.compile(r"[A-Za-z0-9+/=]*+")
# The key's last line where such a prefix stands before each.
_MARK = r"(?:\d{1,6}[\t ]{0,4}[\t:→|.) ]|[+>|\-])"
_LAST = re.compile(
    rf"[^\n]{{0,8}}(?:\n|\\+n)[ \t]{{0,8}}{_MARK}[ \t]{{0,8}}[A-Za-z0-9+/]{{1,76}}={{0,2}}(?=\s|\\|\Z)"
)
# A line of a body, however short, with nothing else on it; a body on one line with nothing around it.
_SHORT_LINE = re.compile(
    rf"(?:\n|\\+n)[ \t]{{0,8}}{_MARK}?[ \t]{{0,8}}[A-Za-z0-9+/=]{{4,}}+[ \t]{{0,8}}\r?(?=\n|\\+[nr])"
)
_SHORT_BODY = re.compile(rf"{_JOIN}(?=[a-z]{{0,80}}[A-Z0-9+/=])[A-Za-z0-9+/=]{{4,}}+{_JOIN}$")
_UNDECIDED = 256
_LONGEST = 65536


def find_private_keys(text: str) -> Iterator[Match]:
    """Yield every private key, to its END line or as far as its lines go; a BEGIN line alone is none."""
    at = 0
    while begin := BEGIN.search(text, at):
        at, ended = _end_of(text, begin.end())
        if _RUN.search(text, begin.end(), at) or (ended and _is_short_key(text, begin.end(), at)):
            yield Match("PRIVATE_KEY", "secret", 1.0, begin.start(), at)
        else:
            at = begin.end()


def open_private_key(text: str) -> int:
    """Return where a private key begins that more text may still complete, or -1."""
    begins = list(BEGIN.finditer(text))
    begin = begins[-1] if begins else None
    if begin and not _END.search(text, begin.end()) and _may_be_a_key(text, begin.end()):
        return begin.start()
    half = _HALF_BEGIN.search(text, max(0, len(text) - 80))
    return half.start() if half else -1


def _may_be_a_key(text: str, start: int) -> bool:
    """Return whether a key follows the BEGIN line, or too little text to tell."""
    return len(text) - start < _UNDECIDED or _RUN.search(text, start, start + _UNDECIDED) is not None


def _end_of(text: str, start: int) -> tuple[int, bool]:
    """Return where the key ends that begins before `start`, and whether an END line says so."""
    following = BEGIN.search(text, start)
    limit = min(following.start() if following else len(text), start + _LONGEST)
    end = _END.search(text, start, limit)
    if end:
        return end.end(), True
    at = _body_end(text, start, limit)
    while far := _FAR_RUN.search(text, at, min(limit, at + _UNDECIDED)):
        run = _REST.match(text, far.end(), limit)
        at = _body_end(text, run.end() if run else far.end(), limit)
    last = _LAST.match(text, at, limit) if at > start else None
    return last.end() if last else at, False


def _body_end(text: str, start: int, limit: int) -> int:
    body = _BODY.match(text, start, limit)
    return body.end() if body else start


def _is_short_key(text: str, start: int, end: int) -> bool:
    body = text[start : text.rindex("-----END", start, end)]
    return _SHORT_LINE.search(body) is not None or _SHORT_BODY.match(body) is not None
