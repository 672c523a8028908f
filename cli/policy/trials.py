"""What rules on trial would have done so far, read from the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from cli.policy.cases import names_in
from gateway.audit.reading import query
from gateway.policy import PolicySource
from gateway.policy.source import SETTINGS

_WOULD = """
    SELECT rule, would, count(*) FROM warnings
    WHERE would IS NOT NULL AND waiver IS NULL GROUP BY ALL ORDER BY rule, would
"""
_RULES = re.compile(r"^verdicts contains\b", re.MULTILINE)
_LOG_ONLY = re.compile(r'^[^#\n]*"log_only":\s*true\b', re.MULTILINE)


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
    """Return what the evidence holds of each rule that is on trial. Raises QueryFailed."""
    tried = sorted({*source.data.get(SETTINGS, {}).get("log_only", []), *_marked(source)})
    found: dict[str, dict[str, int]] = {}
    if tried and audit.is_dir():
        with query(audit, _WOULD) as result:
            for rule, would, count in result.rows:
                if any(fnmatchcase(rule, each) for each in tried):
                    found.setdefault(rule, {})[would] = count
    silent = [each for each in tried if not any(fnmatchcase(rule, each) for rule in found)]
    return [
        TriedRule(rule, would) for rule, would in sorted([*found.items(), *((one, {}) for one in silent)])
    ]


def _marked(source: PolicySource) -> Iterator[str]:
    """Yield the rules whose verdicts say `"log_only": true`; a name that is computed is a glob."""
    for text in source.modules.values():
        package, *rules = _RULES.split(text)
        for rule in rules:
            if _LOG_ONLY.search(rule):
                yield from names_in(package, rule)
