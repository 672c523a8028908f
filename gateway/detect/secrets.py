"""Secrets: kingfisher's rules, and strict patterns of our own for the formats that it does not find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex
from kingfisher_sdk import Rules, Scanner

from gateway.detect.gate import Candidates
from gateway.detect.patterns import Deadline, matches
from gateway.detect.pem import find_private_keys, open_private_key
from gateway.errors import InspectionFailed
from gateway.exchange import Span

_ENTITIES = (
    (re.compile(r"jwt"), "JWT"),
    (re.compile(r"private-key$|privatekey"), "PRIVATE_KEY"),
    (re.compile(r"connection-string|credential-uri|sidekiq-sensitive-url"), "CONNECTION_STRING"),
    (re.compile(r"password|curl-auth-user"), "PASSWORD"),
)
# kingfisher takes a NUL for UTF-16 or for a binary file and a BOM for a mark; each stand-in has as many bytes
_UNREADABLE = str.maketrans({"\0": " ", "\ufeff": "\u2060"})


def _is_any(value: str) -> bool:
    return bool(value)


def _has_digit(value: str) -> bool:
    return any(char.isdigit() for char in value)


def _is_random(value: str) -> bool:
    """Letters and digits together: `sk-fading-circle-container` is a CSS class, not a key."""
    return _has_digit(value) and any(char.isalpha() for char in value)


def _is_literal(value: str) -> bool:
    """A value that stands there itself, not a template (`${DB_PASSWORD}`, `<password>`, `****`)."""
    return not re.fullmatch(r"\$.*|%.*%|\{.*\}|\[.*\]|<.*|\*+|x+|X+|\.+", value)


def _is_password(value: str) -> bool:
    return _is_literal(value) and _is_random(value) and len(set(value)) >= 6


@dataclass(frozen=True)
class _Format:
    """A secret's shape; the group that matched, where there is one, is the value. `check` sees that value."""

    entity: str
    pattern: regex.Pattern[str]
    check: Callable[[str], bool] = _has_digit
    score: float = 0.95


_LEFT = r"(?<![A-Za-z0-9])"  # `key_AKIA…` and `_AKIA…_` begin at the A
_FORMATS: tuple[_Format, ...] = (
    _Format("API_KEY", regex.compile(_LEFT + r"sk-ant-[A-Za-z0-9_\-]{16,256}")),
    _Format("API_KEY", regex.compile(_LEFT + r"sk-(?!ant-)[A-Za-z0-9_\-]{20,256}"), _is_random),
    _Format(
        "API_KEY",
        regex.compile(_LEFT + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _is_any,
    ),
    _Format(
        "API_KEY",
        regex.compile(
            r"(?i:secret[_\- ]?(?:access[_\- ]?)?key)[\"'\\]{0,2}\s{0,4}(?:[:=]|=>)\s{0,4}[\"'\\]{0,2}"
            r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
        ),
        _is_random,
    ),
    _Format(
        "API_KEY",
        regex.compile(
            r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])[^\0]{1,100}?(?<![A-Za-z0-9/+])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
        ),
        lambda value: _is_random(value) and value.lower() != value,
    ),
    _Format("API_KEY", regex.compile(_LEFT + r"gh[pousr]_[A-Za-z0-9]{30,255}")),
    _Format("API_KEY", regex.compile(_LEFT + r"github_pat_[A-Za-z0-9_]{22,255}")),
    _Format("API_KEY", regex.compile(_LEFT + r"glpat-[A-Za-z0-9_\-]{20,64}")),
    _Format("API_KEY", regex.compile(_LEFT + r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9\-]{10,256}")),
    _Format(
        "API_KEY", regex.compile(r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}")
    ),
    _Format("API_KEY", regex.compile(_LEFT + r"AIza[A-Za-z0-9_\-]{30,64}")),
    _Format("API_KEY", regex.compile(_LEFT + r"(?:ya29\.|GOCSPX-)[A-Za-z0-9_\-]{20,512}")),
    _Format("API_KEY", regex.compile(_LEFT + r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,256}")),
    _Format("API_KEY", regex.compile(_LEFT + r"whsec_[A-Za-z0-9+/]{24,128}")),
    _Format("API_KEY", regex.compile(_LEFT + r"hf_[A-Za-z0-9]{30,64}"), _is_any),
    _Format("API_KEY", regex.compile(_LEFT + r"npm_[A-Za-z0-9]{36}")),
    _Format(
        "API_KEY", regex.compile(_LEFT + r"rg_[A-Za-z0-9]{4,32}_[A-Za-z0-9_\-]{16,128}")
    ),  # Regate's own keys
    _Format("API_KEY", regex.compile(r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}={0,2})")),
    _Format(
        "API_KEY",
        regex.compile(r"(?i:\bbearer)[ \t]{1,4}([A-Za-z0-9._~+/\-]{20,4096}={0,2})"),
        _is_random,
        0.8,
    ),
    _Format(
        "JWT",
        regex.compile(
            _LEFT + r"eyJ[A-Za-z0-9_\-]{8,4096}\.eyJ[A-Za-z0-9_\-]{8,16384}\.[A-Za-z0-9_\-]{0,2048}"
        ),
        _is_any,
    ),
    _Format(
        "CONNECTION_STRING",
        regex.compile(
            r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.\-]{1,30}://[^\s:@/'\"<>]{0,128}:([^\s/'\"<>]{1,256})@[^\s'\"<>`]{1,1024}"
        ),
        _is_literal,
    ),
    _Format(
        "CONNECTION_STRING",
        regex.compile(
            r"(?i)\b(?:server|data source|host|user id|uid|username|user|database|initial catalog)"
            r"\s{0,2}=[^;\n\"'<>]{1,128};"
            r"[^\n\"'<>]{0,256}?(?:password|pwd)\s{0,2}=\s{0,2}(?:'([^'\n]{1,128})'|\"([^\"\n]{1,128})\""
            r"|\{([^}\n]{0,128}[^\w}\n][^}\n]{0,128})\}|([^;\s\"'<>]{1,128}))"
        ),
        _is_literal,
    ),
    _Format(
        "PASSWORD",
        regex.compile(
            r"(?i)(?<![A-Za-z])(?:password|passwd|pwd|passphrase|secret|api[_\-]?key|access[_\-]?token|auth[_\-]?token|client[_\-]?secret)"
            r"[\"'\\]{0,2}\s{0,4}(?:[:=]|=>)\s{0,4}[\"'\\]{0,2}([^\s\"'\\,;<>(){}\[\]`]{8,256})"
        ),
        _is_password,
        0.6,
    ),
)
# A connection string up to where its password, or the password's end, may still come.
_OPEN_CONNECTION = regex.compile(
    r"(?i)\b(?:server|data source|host|user id|uid|username|user|database|initial catalog)"
    r"\s{0,2}=[^;\n\"'<>]{1,128};(?:[^\n\"'<>]{0,256}|[^\n\"'<>]{0,256}?(?:password|pwd)\s{0,2}=\s{0,2}"
    r"(?:'[^'\n]{0,128}|\"[^\"\n]{0,128}|\{[^}\n]{0,256}))$"
)
_OPEN_WINDOW = 640
# of the formats above, those whose match is masked whole although one group is checked
_WHOLE = "CONNECTION_STRING"


class Secrets:
    """Secrets by their format, never by asking the service they belong to: nothing leaves the process.

    Building one takes 0.6 s when kingfisher's compiled rules are in its cache folder, 6 s when not.
    """

    def __init__(self) -> None:
        self._scanner = Scanner(Rules())

    patterns = tuple(format.pattern for format in _FORMATS)  # what the gate is to look out for

    def find(self, candidates: Candidates, deadline: Deadline) -> Iterator[Span]:
        """Every secret found by either."""
        yield from find_private_keys(candidates.text)
        yield from self._by_rules(candidates.text, deadline)
        yield from _by_format(candidates, deadline)

    @staticmethod
    def open_at(text: str, deadline: Deadline) -> int:
        """From where on more text may complete a secret of several words; the text's length when nowhere."""
        at = open_private_key(text)
        start = max(0, len(text) - _OPEN_WINDOW)
        connection = next(matches(_OPEN_CONNECTION, text, deadline, start=start), None)
        return min(at if at >= 0 else len(text), connection.start() if connection else len(text))

    def _by_rules(self, text: str, deadline: Deadline) -> Iterator[Span]:
        data = text.translate(_UNREADABLE).encode("utf-8", "surrogatepass")
        try:
            findings = self._scanner.scan(data, timeout=deadline.left())
        except (TimeoutError, RuntimeError, ValueError) as error:
            raise InspectionFailed("the secret scanner did not finish") from error
        for finding in findings:
            if finding.visible:
                start, end = _characters(data, finding.location)
                yield Span(_entity(finding.rule_id), "secret", 0.9, start, end)


def _by_format(candidates: Candidates, deadline: Deadline) -> Iterator[Span]:
    for format in _FORMATS:
        for match in candidates.matches(format.pattern, deadline):
            value = match.lastindex or 0
            if format.check(match.group(value)):
                start, end = match.span(0 if format.entity == _WHOLE else value)
                yield Span(format.entity, "secret", format.score, start, end)


def _characters(data: bytes, location: dict[str, int]) -> tuple[int, int]:
    """Character offsets of a byte range, widened to whole characters."""
    before = data[: location["start_offset"]].decode("utf-8", "ignore")
    within = data[: location["end_offset"]].decode("utf-8", "replace")
    return len(before), len(within)


def _entity(rule: str) -> str:
    return next((entity for pattern, entity in _ENTITIES if pattern.search(rule)), "API_KEY")
