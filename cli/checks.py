"""One line of what `regate doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and how it is; `remedy` is empty when all is well."""

    what: str
    state: str
    ok: bool = True
    remedy: str = ""
