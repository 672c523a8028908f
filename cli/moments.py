"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gateway.errors import ConfigError

_UNITS = {"d": 86400, "h": 3600, "m": 60}


def ago(text: str) -> datetime | None:
    """Return the moment a duration like 7d, 12h or 45m before now; None when the text is not one."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhm])", text)
    return datetime.now(UTC) - timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None


def moment(text: str, option: str) -> datetime | None:
    """Read a duration before now, or an ISO 8601 date or time (UTC where it names no zone); None for "".

    Raises ConfigError, which names the option.
    """
    if not text:
        return None
    if (found := ago(text)) is not None:
        return found
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "a duration like 7d, 12h or 45m, or a date or time like 2026-11-30T08:00"
        raise ConfigError(f"{option}: found {text!r}; expected {expected}") from error
    return said if said.tzinfo else said.replace(tzinfo=UTC)
