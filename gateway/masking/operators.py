"""The four ways to mask a value, and putting what replaces it into the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gateway.contract import Mask
from gateway.masking.vault import Vault, Where
from gateway.words import Finding, Match, merged

_SHOWN = 4
_LEAST_FOR_PARTIAL = 8
# An escape is one character: half of one would break the JSON or the code that it stands in.
_CHARACTER = re.compile(r"\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\.|.", re.DOTALL)


def apply_mask(mask: Mask, finding: Finding | Match, value: str, vault: Vault, where: Where = "text") -> str:
    """Return what replaces `value`: its placeholder, its kind, its last four characters, or a keyed hash."""
    if mask.operator == "placeholder":
        placeholder = vault.placeholder(finding.entity, finding.category, value, where=where)
        if mask.restore:
            vault.mark_restorable(placeholder, mask.restore_to or ())
        return placeholder
    if mask.operator == "hash":
        return f"<HASHED_{finding.entity}_{vault.code('hash', finding.entity, value)[:16]}>"
    if mask.operator == "partial" and len(characters := _CHARACTER.findall(value)) >= _LEAST_FOR_PARTIAL:
        hidden, shown = characters[:-_SHOWN], characters[-_SHOWN:]
        return "".join("*" if _tells(char) else char for char in hidden) + "".join(shown)
    return f"<REDACTED_{finding.entity}>"


def _tells(character: str) -> bool:
    return character.isalnum() or character[1:].isalnum()


def splice(
    text: str,
    findings: Sequence[Finding],
    replace: Callable[[Finding], str],
    *,
    start: int = 0,
    end: int | None = None,
) -> str:
    """Return `text` from `start` to `end` with every finding in it replaced.

    Overlapping findings become one span, replaced once: the one with the highest score, then the longest,
    says how; `replace` sees the joint offsets.
    """
    pieces: list[str] = []
    at = start
    for finding in merged(findings):
        pieces += text[at : finding.start], replace(finding)
        at = finding.end
    pieces.append(text[at:end])
    return "".join(pieces)
