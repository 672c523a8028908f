"""The document that policy judges: every key is always there, and no matched value is in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec import to_builtins

from gateway.contract.entities import UNKNOWN_CONTENT, UNPARSEABLE_ARGUMENTS
from gateway.contract.requirements import consent_documents, met_documents
from gateway.words import (
    WINDOWS,
    Agent,
    ApprovalFacts,
    Attributes,
    Category,
    Finding,
    FindingRow,
    InspectedPart,
    JudgedCall,
    Kind,
    Phase,
    Prompt,
    ResponseFacts,
    SessionFacts,
    Source,
    Tool,
    UsageFacts,
    Used,
    Window,
)

VERSION = 1
_NO_AGENT, _NO_HISTORY, _UNUSED = Agent(id="", owner="", method="api_key"), SessionFacts(), Used()
_CHARACTERS_PER_TOKEN = 4  # the usual estimate for English; policy gets it by the name of an estimate

Describe = Callable[[str, Collection[str]], Attributes]
"""Says of values of an entity what does not give them away."""


def _nothing(_entity: str, _values: Collection[str]) -> Attributes:
    return Attributes()


def finding_rows(parts: Sequence[InspectedPart], describe: Describe = _nothing) -> tuple[FindingRow, ...]:
    """Return one row for each entity, sorted by entity and category.

    `distinct` counts values, `new` the values that stand in a new part. `roles`, `kinds` and `attributes` are
    about the new ones; when none is new, about all.
    """
    tallies: dict[tuple[str, Category], _Tally] = {}
    for part in parts:
        for finding in part.findings:
            tallies.setdefault((finding.entity, finding.category), _Tally()).add(part, finding)
    return tuple(tally.row(*key, describe) for key, tally in sorted(tallies.items()))


def estimate_tokens(characters: int) -> int:
    """Return the tokens that a text of so many characters is thought to be."""
    return math.ceil(characters / _CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What the input document says; the defaults are those of an empty request.

    `parts` are those of the phase: the prompt's, or the completion's so far; `rows` are the findings in them.
    The path, the models, the tools and the calls' arguments are as policy may see them, masked. `approval` is
    the one of this phase.
    """

    time: datetime
    phase: Phase = "request"
    exchange_id: str = ""
    session_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    agent: Agent = _NO_AGENT
    source: Source = Source(ip="", user_agent="")
    provider: str = ""
    provider_labels: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "none"
    method: str = "GET"
    path: str = "/"
    prompt: Prompt = Prompt()
    models: Sequence[str] = ()
    parts: Sequence[InspectedPart] = ()
    rows: Sequence[FindingRow] = ()
    tool_calls: Sequence[JudgedCall] = ()
    session: SessionFacts = _NO_HISTORY
    usage: UsageFacts = UsageFacts()
    approval: ApprovalFacts = ApprovalFacts()
    response: ResponseFacts = ResponseFacts()
    unknown: int = 0  # how much of the completion is of a type that its dialect does not know


def build_input(facts: InputFacts) -> dict[str, Any]:
    """Return the input document of `docs/reference/policy.md`."""
    prompt, source = facts.prompt, facts.source
    unparseable = sum(one.call.arguments is None for one in facts.tool_calls)
    return {
        "version": VERSION,
        "phase": facts.phase,
        "time": facts.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "exchange": {"id": facts.exchange_id, "session_id": facts.session_id, "tags": dict(facts.tags)},
        "agent": _agent(facts.agent),
        "source": {"ip": source.ip, "user_agent": source.user_agent},
        "provider": facts.provider,
        "provider_labels": dict(facts.provider_labels),
        "dialect": facts.dialect,
        "method": facts.method,
        "path": facts.path,
        "model": prompt.model,
        "models": list(facts.models),
        "stream": prompt.stream,
        "parameters": to_builtins(prompt.parameters),
        "prompt": _prompt(prompt, facts.parts),
        "tools": [_tool(tool) for tool in prompt.tools],
        "tool_calls": [_tool_call(one) for one in facts.tool_calls],
        "findings": [_row(row) for row in (*facts.rows, *_own_rows(facts.unknown, unparseable))],
        "session": _lists(to_builtins(facts.session)),
        "usage": _usage(facts.usage),
        "approval": _approval(facts.approval),
        "response": to_builtins(facts.response),
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

    def row(self, entity: str, category: Category, describe: Describe) -> FindingRow:
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
            attributes=describe(entity, self.new_values or self.values),
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
        "delegation": [
            {"name": each.name, "issuer": each.issuer, "proof": each.proof} for each in agent.delegation
        ],
        "person": agent.person,
    }


def _prompt(prompt: Prompt, parts: Sequence[InspectedPart]) -> dict[str, Any]:
    characters = sum(len(inspected.part.text) for inspected in parts)
    return {
        # the syntax words of history (roles, types, ids) would come without text: they say nothing
        "parts": [_part(each) for each in parts if each.new or each.part.place != "structural"],
        "characters": characters,
        "estimated_tokens": estimate_tokens(characters),
        "attachments": [to_builtins(attachment) for attachment in prompt.attachments],
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


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "schema_digest": tool.schema_digest,
        "hosted": tool.hosted,
    }


def _tool_call(judged: JudgedCall) -> dict[str, Any]:
    call = judged.call
    return {
        "name": call.name,
        "arguments": {} if call.arguments is None else dict(call.arguments),
        "restores": [{"entity": entity, "category": category} for entity, category in judged.restores],
        "origins": [
            {"pointer": one.pointer, "from": [to_builtins(source) for source in one.sources]}
            for one in judged.origins
        ],
    }


def _approval(approval: ApprovalFacts) -> dict[str, Any]:
    return {
        "id": approval.id,
        "status": approval.status,
        "approvers": list(approval.approvers),
        "groups": list(approval.groups),
        "quorum": approval.quorum,
        "note": approval.note,
        "revision": approval.revision,
        "consents": consent_documents(approval.consents),
        "all_of": met_documents(approval.all_of),
    }


def _usage(usage: UsageFacts) -> dict[str, Any]:
    """Return what was used, in whole numbers. The flat keys stay for one release beside the scopes."""
    scopes = {"agent": usage.agent, "person": usage.person, "team": usage.team}
    minute, day = usage.agent.get("1m", _UNUSED), usage.agent.get("1d", _UNUSED)
    return {
        **{scope: _measures(windows) for scope, windows in scopes.items()},
        "turns_in": {
            scope: {window: windows.get(window, _UNUSED).turns_in for window in WINDOWS}
            for scope, windows in scopes.items()
        },
        "requests_1m": minute.requests,
        "requests_1d": day.requests,
        "tokens_1m": minute.tokens,
        "tokens_1d": day.tokens,
        "cost_1d": day.cost_micros / 1_000_000,
    }


def _measures(windows: Mapping[Window, Used]) -> dict[str, dict[Window, int]]:
    used = [(window, windows.get(window, _UNUSED)) for window in WINDOWS]
    return {
        "requests": {window: one.requests for window, one in used},
        "tokens": {window: one.tokens for window, one in used},
        "cost_micros": {window: one.cost_micros for window, one in used},
    }


def _own_rows(unknown: int, unparseable: int) -> Iterator[FindingRow]:
    """Count what is not known, and arguments that do not parse: `{}` is never taken for the whole truth."""
    told: tuple[tuple[str, int, Kind], ...] = (
        (UNKNOWN_CONTENT, unknown, "field"),
        (UNPARSEABLE_ARGUMENTS, unparseable, "tool_call"),
    )
    for entity, count, kind in told:
        if count:
            yield FindingRow(entity, "custom", count, count, count, 1.0, ("assistant",), (kind,))


def _row(row: FindingRow) -> dict[str, Any]:
    fields = to_builtins(row)
    return {**_lists(fields), "attributes": _lists(fields["attributes"])}


def _lists(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
