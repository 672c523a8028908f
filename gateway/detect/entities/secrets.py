"""Secrets: kingfisher's rules, and beside them the formats of formats.py and PEM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import regex
from kingfisher_sdk import Rules, Scanner

from gateway.detect.entities import columns
from gateway.detect.entities.assignments import ASSIGNMENTS, OPEN, OTHER, OTHER_NAME
from gateway.detect.entities.commands import COMMANDS
from gateway.detect.entities.formats import FORMATS, SecretFormat
from gateway.detect.entities.labels import NAME, OTHER_WORDS, TOKEN, WORDS
from gateway.detect.entities.pem import find_private_keys, open_private_key
from gateway.detect.entities.values import is_basic, is_filled, is_password, is_token
from gateway.detect.matching.keys import find_bare_keys, is_jwk_member, open_bare_key
from gateway.detect.matching.patterns import Deadline, InspectionLate
from gateway.detect.matching.prefilter import Candidates, Prefilter
from gateway.errors import ConfigError, InspectionFailed
from gateway.words import Match

_ENTITIES = (
    (re.compile(r"jwt"), "JWT"),
    (re.compile(r"private-key$|privatekey"), "PRIVATE_KEY"),
    (re.compile(r"connection-string|credential-uri|sidekiq-sensitive-url"), "CONNECTION_STRING"),
    (re.compile(r"password"), "PASSWORD"),
)
# It takes the user's name and the quotes with the password; ours does not.
_INEXACT = frozenset({"betterleaks.curl-auth-user"})
# kingfisher takes a NUL for UTF-16 or for a binary file and a BOM for a mark; each stand-in has as many bytes
_UNREADABLE = str.maketrans({"\0": " ", "\ufeff": "\u2060"})
_CONTINUATION = bytes(range(0x80, 0xC0))  # the bytes of UTF-8 that begin no character
_CONTINUATION_BYTES = frozenset(bytes([byte]) for byte in _CONTINUATION)


# A connection string up to where its password, or the password's end, may still come.
_OPEN_CONNECTION = regex.compile(
    r"(?i)\b(?:server|data source|host|user id|uid|username|user|database|initial catalog)"
    r"\s{0,2}=[^;\n\"'<>]{1,128};(?:[^\n\"'<>]{0,256}|[^\n\"'<>]{0,256}?(?:password|pwd)\s{0,2}=\s{0,2}"
    r"(?:'[^'\n]{0,128}|\"[^\"\n]{0,128}|\{[^}\n]{0,256}))$"
)
_OPEN = (_OPEN_CONNECTION, *OPEN)
_OPEN_WINDOW = 640
_SAMPLE = b"ghp_16C7e42F292c6912E7710c838347Ae178B4a"  # made up; the rules know it
_PASSWORD_KEY = regex.compile(rf"(?:{NAME}|{WORDS}|{OTHER_WORDS})\Z", regex.IGNORECASE)
_TOKEN_KEY = regex.compile(rf"{TOKEN}\Z", regex.IGNORECASE)
_SHORTEST = 6  # characters of a password that only its key gives away
_QUOTES, _STOPS = frozenset("'\"`”“»」』"), frozenset(".,:;?…")
_FORMATS: dict[regex.Pattern[str], list[SecretFormat]] = {}
for _format in (*FORMATS, *ASSIGNMENTS, *COMMANDS):
    _FORMATS.setdefault(_format.pattern, []).append(_format)


class Secrets:
    """Secrets by their format, never by asking the service they belong to: nothing leaves the process.

    Building the first of a process takes 0.6 s when kingfisher's compiled rules are in its cache folder, 6 s
    when not.
    """

    def __init__(self) -> None:
        self._scanner = Scanner(_rules())
        if not self._scanner.scan(_SAMPLE):
            raise ConfigError("detect: the rules of kingfisher find nothing; expected the locked package")
        self._open = Prefilter(_OPEN)

    # what the prefilter is to look out for
    patterns = (*_FORMATS, *columns.PATTERNS)

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
        """Yield every secret, by its format or by the key before it."""
        yield from find_private_keys(candidates.text)
        yield from find_bare_keys(candidates.text, deadline)
        yield from self._by_rules(candidates.text, deadline)
        yield from _by_format(candidates, deadline)
        yield from columns.find_in_columns(candidates, deadline)
        yield from columns.find_cookies(candidates, deadline)

    @staticmethod
    def under_key(key: str, text: str) -> Iterator[Match]:
        """Return the whole text, when it is a password, a token or a private key by its JSON key."""
        if len(text) >= _SHORTEST and _PASSWORD_KEY.search(key) and is_password(text):
            yield Match("PASSWORD", "secret", 0.75, 0, len(text))
        if (_TOKEN_KEY.search(key) and is_token(text)) or (key == "auth" and is_basic(text)):
            yield Match("API_KEY", "secret", 0.75, 0, len(text))
        if is_jwk_member(key, text):
            yield Match("PRIVATE_KEY", "secret", 1.0, 0, len(text))

    def open_at(self, text: str, deadline: Deadline) -> int:
        """Return where a secret of several words begins that more text may complete; the length if none."""
        keys = [begin for begin in (open_private_key(text), open_bare_key(text)) if begin >= 0]
        start = max(0, len(text) - _OPEN_WINDOW)
        end = self._open.scan(text[start:])
        opened = [next(end.matches(one, deadline), None) for one in _OPEN]
        return min([len(text), *keys, *(start + match.start() for match in opened if match)])

    def _by_rules(self, text: str, deadline: Deadline) -> Iterator[Match]:
        data = text.translate(_UNREADABLE).encode("utf-8", "surrogatepass")
        try:
            findings = self._scanner.scan(data, timeout=deadline.left())
        except TimeoutError as error:
            raise InspectionLate("the secret scanner did not finish in time") from error
        except (RuntimeError, ValueError) as error:
            raise InspectionFailed("the secret scanner did not finish") from error
        visible = [one for one in findings if one.visible and one.rule_id not in _INEXACT]
        places = [(one.location["start_offset"], one.location["end_offset"]) for one in visible]
        for finding, (start, end) in zip(visible, _characters(data, places), strict=True):
            yield Match(_entity(finding.rule_id), "secret", 0.9, start, end)


@cache
def _rules() -> Rules:
    return Rules()


def _by_format(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    text = candidates.text
    for pattern in candidates.possible:
        for format in _FORMATS.get(pattern, ()):
            for match in candidates.matches(pattern, deadline):
                yield from _checked(format, match)
    if text.isascii():
        return
    for name in OTHER_NAME.finditer(text):
        deadline.left()
        for format in OTHER:
            if named := format.pattern.match(text, name.start()):
                yield from _checked(format, named)


def _checked(format: SecretFormat, match: regex.Match[str]) -> Iterator[Match]:
    start, end = _trimmed(match.string, *match.span(match.lastindex or 0))
    value = match.string[start:end]
    if format.check(value) and not is_filled(value):
        if format.whole:
            start, end = match.span()
        yield Match(format.entity, "secret", format.score, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a value without the end of the sentence that it stands in; in quotes all of it counts."""
    if text[end : end + 1] not in _QUOTES:
        while end > start and text[end - 1] in _STOPS:
            end -= 1
    return start, end


def _characters(data: bytes, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Return byte ranges as character offsets, widened to whole characters. The data is counted once."""
    begun, counted, at = {}, 0, 0
    for offset in sorted({offset for place in places for offset in place}):
        counted += len(data[at:offset].translate(None, _CONTINUATION))
        begun[offset], at = counted, offset
    for start, end in places:
        yield begun[start] - (data[start : start + 1] in _CONTINUATION_BYTES), begun[end]


def _entity(rule: str) -> str:
    return next((entity for pattern, entity in _ENTITIES if pattern.search(rule)), "API_KEY")
