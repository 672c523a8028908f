"""The credential that the gateway calls a provider with, where an answer repeats it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import CREDENTIAL_ENTITY
from gateway.words import Match


def credentials(text: str, secret: str | None) -> tuple[Match, ...]:
    """Find where the provider's answer repeats the credential that the gateway called it with."""
    if not secret or secret not in text:
        return ()
    spans, start = [], text.find(secret)
    while start >= 0:
        spans.append(Match(CREDENTIAL_ENTITY, "secret", 1.0, start, start + len(secret)))
        start = text.find(secret, start + len(secret))
    return tuple(spans)


def over_others(found: Sequence[Match], others: Sequence[Match]) -> tuple[Match, ...]:
    """Return the credentials that were found and the others, in order, without those that overlap one."""
    apart = [s for s in others if not any(s.start < own.end and own.start < s.end for own in found)]
    return tuple(sorted([*apart, *found], key=lambda span: span.start))
