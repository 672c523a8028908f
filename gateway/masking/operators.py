"""The four ways to mask a value, and putting what replaces it into the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as with_fields

from gateway.decision import Mask
from gateway.exchange import Finding, Span
from gateway.masking.vault import Vault

_SHOWN = 4
_LEAST_FOR_PARTIAL = 8


def apply_mask(mask: Mask, finding: Finding | Span, value: str, vault: Vault) -> str:
    """What stands for `value`: its placeholder, its kind alone, its last four characters, or a keyed hash."""
    if mask.operator == "placeholder":
        placeholder = vault.placeholder(finding.entity, finding.category, value)
        if mask.restore:
            vault.mark_restorable(placeholder)
        return placeholder
    if mask.operator == "hash":
        return f"<HASHED_{finding.entity}_{vault.code('hash', finding.entity, value)[:16]}>"
    if mask.operator == "partial" and len(value) >= _LEAST_FOR_PARTIAL:
        hidden, shown = value[:-_SHOWN], value[-_SHOWN:]
        return "".join("*" if char.isalnum() else char for char in hidden) + shown
    return f"<REDACTED_{finding.entity}>"


def splice(text: str, findings: Sequence[Finding], replace: Callable[[Finding], str]) -> str:
    """`text` with every finding replaced. Overlapping findings become one span, replaced once.

    Of those the one with the highest score, then the longest, says how; `replace` sees the joint offsets.
    """
    pieces: list[str] = []
    at = 0
    for finding in _merged(findings):
        pieces += text[at : finding.start], replace(finding)
        at = finding.end
    pieces.append(text[at:])
    return "".join(pieces)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: (finding.start, finding.end)):
        if merged and finding.start < merged[-1].end:
            last = merged[-1]
            best = max(
                last, finding, key=lambda one: (one.category == "secret", one.score, one.end - one.start)
            )
            merged[-1] = with_fields(best, start=last.start, end=max(last.end, finding.end))
        else:
            merged.append(finding)
    return merged
