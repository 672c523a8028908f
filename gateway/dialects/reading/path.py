"""Request paths: decoded once, and refused when two servers could read them differently."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidRequest

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_OF_A_NAME = re.compile(rb"(?i)(/(?:models|model|deployments|engines)/)([^/]*)")  # a model's may have slashes
_DOTS = re.compile(r"\.{1,2}(;.*)?")  # some servers drop `;…` from a segment before they resolve its dots


def normalize(raw_path: bytes) -> str:
    """Return the path of a request, percent-decoded exactly once; it carries no query.

    "" is the base address of a provider itself. An encoded slash in a model's name stays `%2F`.

    Raises InvalidRequest on dot segments, empty segments, other encoded slashes, backslashes, controls and
    other unprintable characters, invalid UTF-8, `?` and `#` inside a segment, broken escapes, and double
    encoding.
    """
    if _BAD_ESCAPE.search(raw_path):
        raise InvalidRequest("path: a percent sign without two hexadecimal digits")
    if b"%2f" in _OF_A_NAME.sub(rb"\1", raw_path).lower():
        raise InvalidRequest("path: an encoded slash outside of a model's name")
    try:
        path, *names = (unquote_to_bytes(piece).decode() for piece in re.split(rb"(?i)%2f", raw_path))
    except UnicodeDecodeError as error:
        raise InvalidRequest("path: not valid UTF-8") from error
    _check("/".join([path, *names]))
    return "%2F".join([path, *names])


def decoded(path: str) -> str:
    """Return a normalized path as a server sees it that decodes the slashes in a model's name, too."""
    return path.replace("%2F", "/")


def endpoint(path: str) -> str:
    """Return a normalized path as an endpoint is known by it: a slash at its end makes no other of it."""
    return decoded(path).removesuffix("/") or path


def _check(path: str) -> None:
    if path and not path.startswith("/"):
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
    if any(segment and not segment.partition(";")[0].strip() for segment in segments):
        raise InvalidRequest("path: a segment that some servers read as an empty one")
