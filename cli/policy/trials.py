"""What rules on trial (`settings.log_only`) would have done so far, read from the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.reading import query
from gateway.policy import PolicySource
from gateway.policy.source import SETTINGS

_WOULD = """
    SELECT rule, would, count(*) FROM warnings
    WHERE would IS NOT NULL AND waiver IS NULL GROUP BY ALL ORDER BY rule, would
"""


@dataclass(frozen=True, slots=True)
class TriedRule:
    """One rule on trial: how many decisions it would have made, by action."""

    rule: str
    would: dict[str, int]

    def __str__(self) -> str:
        """Return the rule and its counts in words."""
        told = [f"would have said {action} {count:,} times" for action, count in self.would.items()]
        return f"{self.rule} {', '.join(told) or 'would have done nothing so far'}"


def trials(source: PolicySource, audit: Path) -> list[TriedRule]:
    """Return what the evidence holds of each rule that the settings have on trial. Raises QueryFailed."""
    rules: Sequence[str] = source.data.get(SETTINGS, {}).get("log_only", [])
    found: dict[str, dict[str, int]] = {rule: {} for rule in rules}
    if found and audit.is_dir():
        with query(audit, _WOULD) as result:
            for rule, would, count in result.rows:
                if rule in found:
                    found[rule][would] = count
    return [TriedRule(rule, would) for rule, would in sorted(found.items())]
