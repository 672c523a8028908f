"""The document that policy judges: every key is always there, and no matched value is in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.words import (
    Agent,
    ApprovalFacts,
    Category,
    Finding,
    FindingRow,
    InspectedPart,
    Phase,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    ToolCall,
    UsageFacts,
)

VERSION = 1
UNPARSEABLE_ARGUMENTS = "UNPARSEABLE_ARGUMENTS"
_NO_AGENT, _NO_HISTORY = Agent(id="", owner="", method="api_key"), SessionFacts()
_CHARACTERS_PER_TOKEN = 4  # the usual estimate for English; policy gets it by the name of an estimate


def finding_rows(parts: Sequence[InspectedPart]) -> tuple[FindingRow, ...]:
    """Return one row for each entity, sorted by entity and category.

    `distinct` counts values, `new` the values that stand in a new part. `roles` and `kinds` say where the new
    ones stand; when none is new, where any does.
    """
    tallies: dict[tuple[str, Category], _Tally] = {}
    for part in parts:
        for finding in part.findings:
            tallies.setdefault((finding.entity, finding.category), _Tally()).add(part, finding)
    return tuple(tally.row(*key) for key, tally in sorted(tallies.items()))


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What the input document says; the defaults are those of an empty request.

    `parts` are those of the phase: the prompt's, or the completion's so far; `rows` are the findings in them.
    The path, the models, the tools and the calls' arguments are as policy may see them, masked. Each call has
    the (entity, category) of what would be restored into it. `approval` is the one of this phase.
    """

    time: datetime
    phase: Phase = "request"
    exchange_id: str = ""
    session_id: str = ""
    agent: Agent = _NO_AGENT
    source: Source = Source(ip="", user_agent="")
    provider: str = ""
    dialect: str = "none"
    method: str = "GET"
    path: str = "/"
    prompt: Prompt = Prompt()
    models: Sequence[str] = ()
    parts: Sequence[InspectedPart] = ()
    rows: Sequence[FindingRow] = ()
    tool_calls: Sequence[tuple[ToolCall, tuple[tuple[str, str], ...]]] = ()
    session: SessionFacts = _NO_HISTORY
    usage: UsageFacts = UsageFacts()
    approval: ApprovalFacts = ApprovalFacts()
    response: ResponseFacts = ResponseFacts()


def build_input(facts: InputFacts) -> dict[str, Any]:
    """Return the input document of `docs/reference/policy.md`."""
    prompt, source = facts.prompt, facts.source
    unparseable = sum(call.arguments is None for call, _ in facts.tool_calls)
    return {
        "version": VERSION,
        "phase": facts.phase,
        "time": facts.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "exchange": {"id": facts.exchange_id, "session_id": facts.session_id},
        "agent": _agent(facts.agent),
        "source": {"ip": source.ip, "user_agent": source.user_agent},
        "provider": facts.provider,
        "dialect": facts.dialect,
        "method": facts.method,
        "path": facts.path,
        "model": prompt.model,
        "models": list(facts.models),
        "stream": prompt.stream,
        "parameters": asdict(prompt.parameters),
        "prompt": _prompt(prompt, facts.parts),
        "tools": [{"name": tool.name, "description": tool.description} for tool in prompt.tools],
        "tool_calls": [_tool_call(call, restores) for call, restores in facts.tool_calls],
        "findings": [_row(row) for row in (*facts.rows, *_unparseable_rows(unparseable))],
        "session": {**asdict(facts.session), "entities": list(facts.session.entities)},
        "usage": _usage(facts.usage),
        "approval": {
            **asdict(facts.approval),
            "approvers": list(facts.approval.approvers),
            "groups": list(facts.approval.groups),
        },
        "response": asdict(facts.response),
    }


@dataclass(slots=True)
class _Tally:
    """What is counted for one entity while its findings go by."""

    count: int = 0
    max_score: float = 0.0
    values: set[str] = field(default_factory=set)
    new_values: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)
    new_places: set[tuple[str, str]] = field(default_factory=set)

    def add(self, inspected: InspectedPart, finding: Finding) -> None:
        part = inspected.part
        value, place = part.text[finding.start : finding.end], (part.role, part.kind)
        self.count += 1
        self.max_score = max(self.max_score, finding.score)
        self.values.add(value)
        self.places.add(place)
        if inspected.new:
            self.new_values.add(value)
            self.new_places.add(place)

    def row(self, entity: str, category: Category) -> FindingRow:
        places = self.new_places or self.places
        return FindingRow(
            entity=entity,
            category=category,
            count=self.count,
            distinct=len(self.values),
            new=len(self.new_values),
            max_score=self.max_score,
            roles=tuple(sorted({role for role, _ in places})),
            kinds=tuple(sorted({kind for _, kind in places})),
        )


def _agent(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "owner": agent.owner,
        "key_id": agent.key_id,
        "method": agent.method,
        "groups": list(agent.groups),
        "claims": dict(agent.claims),
        "on_behalf_of": agent.on_behalf_of,
    }


def _prompt(prompt: Prompt, parts: Sequence[InspectedPart]) -> dict[str, Any]:
    characters = sum(len(inspected.part.text) for inspected in parts)
    return {
        # the syntax words of history (roles, types, ids) would come without text: they say nothing
        "parts": [_part(each) for each in parts if each.new or each.part.place != "structural"],
        "characters": characters,
        "estimated_tokens": math.ceil(characters / _CHARACTERS_PER_TOKEN),
        "attachments": [asdict(attachment) for attachment in prompt.attachments],
        "unseen": list(prompt.unseen),
    }


def _part(inspected: InspectedPart) -> dict[str, Any]:
    part = inspected.part
    return {
        "role": part.role,
        "kind": part.kind,
        "pointer": inspected.pointer,
        "text": inspected.masked if inspected.new else "",
        "new": inspected.new,
    }


def _tool_call(call: ToolCall, restores: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {
        "name": call.name,
        "arguments": {} if call.arguments is None else dict(call.arguments),
        "restores": [{"entity": entity, "category": category} for entity, category in restores],
    }


def _usage(usage: UsageFacts) -> dict[str, Any]:
    """Return what the agent used, in whole numbers. The flat keys stay for one release beside `agent`."""
    minute, day = usage.minute, usage.day
    return {
        "agent": {
            "requests": {"1m": minute.requests, "1d": day.requests},
            "tokens": {"1m": minute.tokens, "1d": day.tokens},
            "cost_micros": {"1m": minute.cost_micros, "1d": day.cost_micros},
        },
        "requests_1m": minute.requests,
        "requests_1d": day.requests,
        "tokens_1m": minute.tokens,
        "tokens_1d": day.tokens,
        "cost_1d": day.cost_micros / 1_000_000,
    }


def _unparseable_rows(count: int) -> tuple[FindingRow, ...]:
    """Count arguments that do not parse as a finding, so that `{}` is never taken for the whole truth."""
    if not count:
        return ()
    where = {"roles": ("assistant",), "kinds": ("tool_call",)}
    return (FindingRow(UNPARSEABLE_ARGUMENTS, "custom", count, count, count, 1.0, **where),)


def _row(row: FindingRow) -> dict[str, Any]:
    return {**asdict(row), "roles": list(row.roles), "kinds": list(row.kinds)}
