"""Request paths: decoded once, and refused when two servers could read them differently."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidRequest

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DOTS = re.compile(r"\.{1,2}(;.*)?")  # some servers drop `;…` from a segment before they resolve its dots


def normalize(raw_path: bytes) -> str:
    """Return the path of a request, percent-decoded exactly once; it carries no query.

    Raises InvalidRequest on dot segments, empty segments, encoded slashes, backslashes, controls and other
    unprintable characters, invalid UTF-8, `?` and `#` inside a segment, broken escapes, and double encoding.
    """
    if _BAD_ESCAPE.search(raw_path):
        raise InvalidRequest("path: a percent sign without two hexadecimal digits")
    if b"%2f" in raw_path.lower():
        raise InvalidRequest("path: an encoded slash")
    try:
        path = unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("path: not valid UTF-8") from error
    _check(path)
    return path


def _check(path: str) -> None:
    if not path.startswith("/"):
        raise InvalidRequest("path: expected it to start with /")
    if "%" in path:
        raise InvalidRequest("path: encoded twice")
    if not path.isprintable():
        raise InvalidRequest("path: an unprintable character")
    if any(sign in path for sign in "\\?#"):
        raise InvalidRequest("path: a backslash, question mark or hash sign inside a segment")
    segments = path[1:].split("/")
    if "" in segments[:-1]:
        raise InvalidRequest("path: an empty segment")
    if any(_DOTS.fullmatch(segment) for segment in segments):
        raise InvalidRequest("path: a dot segment")
