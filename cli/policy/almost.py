"""Rules that almost spoke: which condition kept a verdict from being given, by OPA's trace.

Example: of `input.phase == "request"`, `"interns" in input.agent.groups` and `_night` the first two hold. The
rule stops at the line of `_night`, the last of its conditions, so it almost spoke.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.policy.syntax import Node, line_of, names_of, parse_all, rule_name
from cli.rego_tests import rego_files

_RULES = "regate.rules."
_MOST = 3
_MOST_LEFT = 1  # conditions after the one that does not hold


@dataclass(frozen=True, slots=True)
class Almost:
    """A rule that did not speak: where it stops, and how many lines of conditions hold and are left."""

    rules: frozenset[str]
    place: str
    condition: str
    held: int
    left: int

    def __str__(self) -> str:
        return f"{' or '.join(sorted(self.rules))} stops at {self.place}: {self.condition}"


Verdicts = Mapping[tuple[str, int], tuple[frozenset[str], list[int]]]
"""By file and line of a rule: the names in its reasons, and the lines of its conditions."""


def verdicts_of(opa: Path, policy: Path) -> Verdicts:
    """Return the rules below `policy` that give verdicts. Raises OpaFailed."""
    return {
        (str(module.path.resolve()), line_of(rule["head"])): (
            frozenset(names_of(rule, module.package.removeprefix(_RULES))),
            sorted({line_of(condition) for condition in rule["body"]}),
        )
        for module in parse_all(opa, rego_files(policy))
        if module.package.startswith(_RULES)
        for rule in module.rules
        if rule_name(rule) == "verdicts"
    }


def almost(verdicts: Verdicts, steps: Sequence[Node], wanted: Sequence[str] = ()) -> list[Almost]:
    """Return the rules that almost spoke in a trace, the nearest first.

    Rules in `wanted` come before them, wherever they stop.
    """
    silent = list(_silent(verdicts, steps))
    asked = [each for each in silent if any(_is_of(each, name) for name in wanted)]
    near = [each for each in silent if each.held and each.left <= _MOST_LEFT and each not in asked]
    return asked + sorted(near, key=lambda each: (each.left, -each.held, each.place))[:_MOST]


def _is_of(each: Almost, name: str) -> bool:
    return name in each.rules or f"{name.partition('.')[0]}." in each.rules


def _silent(verdicts: Verdicts, steps: Sequence[Node]) -> Iterator[Almost]:
    """Yield the rules that OPA entered and did not leave, each with the last line that it came to."""
    entered: dict[int, tuple[str, int]] = {}
    spoke: set[tuple[str, int]] = set()
    failed: dict[tuple[str, int], int] = {}
    for event in steps:
        row, query = int(event["Location"]["row"]), int(event["QueryID"])
        if event["Op"] == "Enter" and (place := _placed(event["Location"], row)) in verdicts:
            entered[query] = place
        elif query in entered and event["Op"] == "Exit":
            spoke.add(entered[query])
        elif query in entered and event["Op"] == "Fail":
            failed[entered[query]] = max(row, failed.get(entered[query], 0))
    for rule, stopped in failed.items():
        names, conditions = verdicts[rule]
        at = max((row for row in conditions if row <= stopped), default=0)
        if at and rule not in spoke:
            held = conditions.index(at)
            text = Path(rule[0]).read_text("utf-8").split("\n")[at - 1].strip()
            yield Almost(names, f"{rule[0]}:{at}", text, held, len(conditions) - held - 1)


def _placed(location: Mapping[str, Any], row: int) -> tuple[str, int]:
    return str(Path(str(location["file"])).resolve()), row
