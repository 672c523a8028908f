"""What the configuration never takes for a finding: its own values, patterns and domains."""

from __future__ import annotations

import re
from typing import Any

import re2  # type: ignore[import-untyped]  # has no types

from gateway.config import Allow
from gateway.errors import ConfigError
from gateway.words import Match

_DOMAIN = re.compile(r"(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")
_LONGEST_SHOWN = 80


class Allowed:
    """The allow-list. A value counts as a whole, in any case; a domain with all that is below it."""

    def __init__(self, allow: Allow) -> None:
        """Compile the list. Raises ConfigError on what could match nothing, or everything."""
        for index, value in enumerate(allow.values):
            if not value.strip():
                raise ConfigError(f"detect.allow.values[{index}]: expected a value, found only blanks")
        for index, domain in enumerate(allow.domains):
            if not _DOMAIN.fullmatch(domain):
                raise ConfigError(
                    f"detect.allow.domains[{index}]: expected a domain such as example.org, found {domain!r}"
                )
        self._values = frozenset(value.strip().casefold() for value in allow.values)
        self._domains = tuple(domain.casefold() for domain in allow.domains)
        self._patterns = [_compiled(pattern, index) for index, pattern in enumerate(allow.patterns)]

    def __contains__(self, value: str) -> bool:
        return value.casefold() in self._values or any(one.fullmatch(value) for one in self._patterns)

    def allows(self, text: str, span: Match) -> bool:
        """Return whether what is found there is on the list."""
        if not (self._values or self._domains or self._patterns):
            return False
        value = text[span.start : span.end]
        return value in self or (span.entity == "EMAIL_ADDRESS" and self._is_of_a_domain(value))

    def _is_of_a_domain(self, address: str) -> bool:
        domain = address.rpartition("@")[2].casefold()
        return any(domain == own or domain.endswith(f".{own}") for own in self._domains)


def _compiled(pattern: str, index: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    shown = pattern if len(pattern) <= _LONGEST_SHOWN else f"{pattern[: _LONGEST_SHOWN - 3]}..."
    path = f"detect.allow.patterns[{index}]: {shown!r}"
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise ConfigError(f"{path}: expected a pattern that RE2 can run: {error}") from error
    if not pattern or (compiled.fullmatch("a@b.cd") and compiled.fullmatch("4111 1111 1111 1111")):
        raise ConfigError(f"{path}: expected a pattern of the company's own values, found one of any value")
    return compiled
