"""An approval as plain JSON, for the admin API and the CLI."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.state import Approval

_TIMES = ("created_at", "expires_at", "decided_at", "used_at")


def to_document(approval: Approval) -> dict[str, Any]:
    """Every field, times as RFC 3339 in UTC ("" for what has not happened)."""
    document = asdict(approval)
    return document | {name: rfc3339(document[name]) for name in _TIMES}


def rfc3339(seconds: float | None) -> str:
    """Seconds since 1970 as UTC, to the second; "" for None."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
