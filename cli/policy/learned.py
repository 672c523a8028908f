"""What recorded traffic used: models, providers, tools, entities of each group, and what was waived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.audit.reading import RecordedDecision

_KEPT = 3  # exchanges behind each line
_MOST_NAMES = 200  # of one kind: more are no list that a person would keep
_MOST_CHARACTERS = 200


@dataclass(slots=True)
class Use:
    """How often something was used, and in which exchanges first."""

    count: int = 0
    exchanges: list[str] = field(default_factory=list)

    def add(self, exchange: str) -> None:
        """Count one use."""
        self.count += 1
        if len(self.exchanges) < _KEPT and exchange not in self.exchanges:
            self.exchanges.append(exchange)


Uses = dict[str, Use]


@dataclass(slots=True)
class GroupUse:
    """What agents of one group used and were allowed."""

    providers: Uses = field(default_factory=dict)
    models: Uses = field(default_factory=dict)
    tools: Uses = field(default_factory=dict)
    entities: Uses = field(default_factory=dict)


@dataclass(slots=True)
class Learned:
    """What was learned. `waived` counts, by rule and ticket, denials that a waiver always excused."""

    decisions: int = 0
    lost: int = 0
    groups: dict[str, GroupUse] = field(default_factory=dict)
    waived: dict[tuple[str, str], Use] = field(default_factory=dict)


def learn_from(recorded: Iterable[RecordedDecision]) -> Learned:
    """Return what these decisions tell. Denied requests teach nothing about what is needed."""
    found, denied = Learned(), Counter[str]()
    for one in recorded:
        if one.input is None or one.decision is None:
            found.lost += 1
            continue
        found.decisions += 1
        denied.update(
            str(reason["rule"]) for reason in one.decision.get("reasons", []) if one.action == "deny"
        )
        for warning in one.decision.get("warnings", []):
            if warning.get("waiver") and warning.get("would") == "deny":
                key = (str(warning["rule"]), str(warning["waiver"]))
                found.waived.setdefault(key, Use()).add(one.exchange_id)
        if one.action != "deny":
            for group in one.input["agent"]["groups"] or ["default"]:
                _note(found.groups.setdefault(str(group), GroupUse()), one, one.input)
    found.waived = {key: use for key, use in found.waived.items() if not denied[key[0]]}
    return found


def _note(group: GroupUse, one: RecordedDecision, document: Mapping[str, Any]) -> None:
    for row in document["findings"]:
        _add(group.entities, str(row["entity"]), one)
    if one.phase == "request":
        _add(group.providers, str(document["provider"]), one)
        for model in {str(document["model"]), *map(str, document["models"])} - {""}:
            _add(group.models, model, one)
    for call in document["tool_calls"]:
        _add(group.tools, str(call["name"]), one)


def _add(uses: Uses, name: str, one: RecordedDecision) -> None:
    if name in uses or (len(uses) < _MOST_NAMES and len(name) <= _MOST_CHARACTERS):
        uses.setdefault(name, Use()).add(one.exchange_id)
