"""Secrets: kingfisher's rules, and beside them the formats of formats.py and PEM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import regex
from kingfisher_sdk import Rules, Scanner

from gateway.detect.entities.formats import FORMATS, NAME, NAMED, is_password
from gateway.detect.entities.pem import find_private_keys, open_private_key
from gateway.detect.matching.keys import find_bare_keys, is_jwk_member, open_bare_key
from gateway.detect.matching.patterns import Deadline, InspectionLate, matches
from gateway.detect.matching.prefilter import Candidates
from gateway.errors import ConfigError, InspectionFailed
from gateway.words import Match

_ENTITIES = (
    (re.compile(r"jwt"), "JWT"),
    (re.compile(r"private-key$|privatekey"), "PRIVATE_KEY"),
    (re.compile(r"connection-string|credential-uri|sidekiq-sensitive-url"), "CONNECTION_STRING"),
    (re.compile(r"password|curl-auth-user"), "PASSWORD"),
)
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
# A password up to where its quotes may still close; in a script without spaces, to where it ends.
_OPEN_PASSWORD = regex.compile(NAMED + r"(?:'[^'\n]{0,256}|\"[^\"\n]{0,256}|[^\s'\"<>]{1,64})$")
_OPEN = (_OPEN_CONNECTION, _OPEN_PASSWORD)
_OPEN_WINDOW = 640
_SAMPLE = b"ghp_16C7e42F292c6912E7710c838347Ae178B4a"  # made up; the rules know it
_KEY = regex.compile(NAME + r"\Z", regex.IGNORECASE)
_SHORTEST = 8  # characters of a password that only its key gives away


class Secrets:
    """Secrets by their format, never by asking the service they belong to: nothing leaves the process.

    Building one takes 0.6 s when kingfisher's compiled rules are in its cache folder, 6 s when not.
    """

    def __init__(self) -> None:
        self._scanner = Scanner(Rules())
        if not self._scanner.scan(_SAMPLE):
            raise ConfigError("detect: the rules of kingfisher find nothing; expected the locked package")

    patterns = tuple(format.pattern for format in FORMATS)  # what the prefilter is to look out for

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
        """Yield every secret, by its format or by the key before it."""
        yield from find_private_keys(candidates.text)
        yield from find_bare_keys(candidates.text, deadline)
        yield from self._by_rules(candidates.text, deadline)
        yield from _by_format(candidates, deadline)

    @staticmethod
    def under_key(key: str, text: str) -> Iterator[Match]:
        """Return the whole text, when it is a password or a private key by its JSON key."""
        if len(text) >= _SHORTEST and _KEY.search(key) and is_password(text):
            yield Match("PASSWORD", "secret", 0.6, 0, len(text))
        if is_jwk_member(key, text):
            yield Match("PRIVATE_KEY", "secret", 1.0, 0, len(text))

    @staticmethod
    def open_at(text: str, deadline: Deadline) -> int:
        """Return where a secret of several words begins that more text may complete; the length if none."""
        keys = [begin for begin in (open_private_key(text), open_bare_key(text)) if begin >= 0]
        start = max(0, len(text) - _OPEN_WINDOW)
        opened = [next(matches(one, text, deadline, start=start), None) for one in _OPEN]
        return min([len(text), *keys, *(match.start() for match in opened if match)])

    def _by_rules(self, text: str, deadline: Deadline) -> Iterator[Match]:
        data = text.translate(_UNREADABLE).encode("utf-8", "surrogatepass")
        try:
            findings = self._scanner.scan(data, timeout=deadline.left())
        except TimeoutError as error:
            raise InspectionLate("the secret scanner did not finish in time") from error
        except (RuntimeError, ValueError) as error:
            raise InspectionFailed("the secret scanner did not finish") from error
        visible = [finding for finding in findings if finding.visible]
        places = [(one.location["start_offset"], one.location["end_offset"]) for one in visible]
        for finding, (start, end) in zip(visible, _characters(data, places), strict=True):
            yield Match(_entity(finding.rule_id), "secret", 0.9, start, end)


def _by_format(candidates: Candidates, deadline: Deadline) -> Iterator[Match]:
    for format in FORMATS:
        for match in candidates.matches(format.pattern, deadline):
            value = match.lastindex or 0
            if format.check(match.group(value)):
                start, end = match.span(0 if format.whole else value)
                yield Match(format.entity, "secret", format.score, start, end)


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
