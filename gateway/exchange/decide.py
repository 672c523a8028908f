"""Policy is asked about one phase; its decision is recorded before anything acts on it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway.candidate import Question, Shadow
from gateway.contract import Decision, Describe, InputFacts, build_input, finding_rows, guard
from gateway.dialects import digits
from gateway.exchange.exchange import Exchange
from gateway.exchange.mask import MUCH_TEXT, holds_value, masked_texts, run, syntax_of
from gateway.exchange.origins import Origins
from gateway.exchange.record import Ledger
from gateway.exchange.steps import Decided, Inspected, Restored, new_id
from gateway.policy import Policies
from gateway.words import (
    CallOrigin,
    FindingRow,
    InspectedPart,
    JudgedCall,
    Phase,
    ResponseFacts,
    Tool,
    ToolCall,
)

Prepare = Callable[[Exchange], Awaitable[None]]
_MANY_FINDINGS = 200  # their attributes take some microseconds each


@dataclass(frozen=True, slots=True)
class Subject:
    """What policy is asked about: a prompt, or the completion so far."""

    phase: Phase
    parts: Sequence[InspectedPart]
    calls: Sequence[tuple[ToolCall, Restored]] = ()
    facts: ResponseFacts = ResponseFacts()
    tools: Sequence[Tool] = ()  # that the completion offers
    unknown: Sequence[str] = ()  # types of what the dialect does not know


def prompt_of(exchange: Exchange) -> Subject:
    """Return the prompt, to ask policy about: in some dialects it is a call itself."""
    return Subject("request", exchange.parts, [(call, ()) for call in exchange.prompt.tool_calls])


class Decider:
    """Asks policy, guards and records its decisions, and shows them to the shadow policy if there is one."""

    def __init__(
        self,
        policies: Policies,
        ledger: Ledger,
        shadow: Shadow | None = None,
        describe: Describe | None = None,
    ) -> None:
        self._policies = policies
        self._rows_of = partial(finding_rows, describe=describe) if describe else finding_rows
        self._ledger = ledger
        self._shadow = shadow

    async def decide(self, exchange: Exchange, subject: Subject, prepare: Prepare | None = None) -> Decision:
        """Return the decision, which is on record. Raises PolicyUnavailable, PolicyError, RecordingFailed.

        When it lets the prompt pass, `prepare` runs while the record is written, and raises from here.
        """
        began = time.time_ns()
        many = sum(len(one.findings) for one in subject.parts) > _MANY_FINDINGS
        rows = await run(many, self._rows_of, subject.parts)
        policy_input = input_of(exchange, subject, rows, await _origins_of(exchange, subject))
        decision = await self._policies.decide(policy_input)
        if subject.phase == "request":
            renewed = without_history(exchange.inspected, decision.revision)
            if renewed:
                exchange.inspected = renewed
                return await self.decide(exchange, replace(subject, parts=exchange.parts), prepare)
        syntax = syntax_of(subject.parts)
        decision = guard(
            decision,
            syntax=syntax,
            approval_status=policy_input["approval"]["status"],
            enforced=exchange.enforced,
        )
        entities = tuple(row.entity for row in rows)
        decided = Decided(subject.phase, new_id("dec"), decision, entities, began, time.time_ns())
        if subject.phase == "request":
            exchange.decided = decided
        record, durable = self._ledger.record_decision(exchange, decided, policy_input, subject.parts)
        try:
            if prepare and decision.action in ("allow", "mask"):
                await asyncio.sleep(0)  # the journal's thread begins
                await prepare(exchange)
        finally:
            await durable
            exchange.recorded.append(replace(decided, ended=time.time_ns()))
        if self._shadow:
            self._shadow.observe(Question(replace(record, body={}), policy_input, syntax, decision))
        return decision


def without_history(inspected: Inspected, revision: str) -> Inspected | None:
    """Return the prompt with every part new when policy answered under another revision than marked it.

    None when that changes nothing; otherwise policy has to be asked again.
    """
    if revision == inspected.revision or all(one.new for one in inspected.parts):
        return None
    return replace(inspected, parts=tuple(replace(one, new=True) for one in inspected.parts))


async def _origins_of(exchange: Exchange, subject: Subject) -> Sequence[tuple[CallOrigin, ...]]:
    """Return where the arguments of each call come from, in a prompt that holds more than the call itself."""
    if subject.phase == "request" or not subject.calls:
        return [()] * len(subject.calls)
    origins = exchange.origins = exchange.origins or Origins(exchange.parts, exchange.prompt.result_tools)
    much = origins.characters > MUCH_TEXT
    masked = [masked_call(call, subject.parts).arguments or {} for call, _ in subject.calls]
    return await run(much, lambda: [origins.of(arguments) for arguments in masked])


def input_of(
    exchange: Exchange,
    subject: Subject,
    rows: Sequence[FindingRow],
    origins: Sequence[tuple[CallOrigin, ...]] = (),
) -> dict[str, Any]:
    """Return the input document for policy, with every value masked."""
    response = subject.phase == "response"
    response_texts = masked_texts(subject.parts) if response else {}
    texts = masked_texts(exchange.parts)
    prompt = replace(
        exchange.prompt,
        model=exchange.inspected.model,
        tools=masked_tools(exchange, subject),
        attachments=tuple(
            replace(each, media_type=texts.get(each.media_type, each.media_type))
            for each in exchange.prompt.attachments
        ),
    )
    finish_reason = subject.facts.finish_reason
    return build_input(
        InputFacts(
            time=datetime.now(UTC),
            phase=subject.phase,
            exchange_id=exchange.id,
            session_id=exchange.session_id,
            tags=exchange.envelope.tags,
            agent=exchange.agent,
            source=exchange.envelope.source,
            provider=exchange.provider,
            provider_labels=exchange.upstream.labels,
            dialect=exchange.dialect,
            method=exchange.call.method,
            path=exchange.envelope.path,
            prompt=prompt,
            models=exchange.inspected.models,
            parts=subject.parts,
            rows=rows,
            tool_calls=[
                JudgedCall(masked_call(call, subject.parts), restored, found)
                for (call, restored), found in zip(subject.calls, origins, strict=True)
            ],
            session=exchange.session.facts(),
            usage=exchange.usage,
            approval=exchange.held.completion if response else exchange.held.prompt,
            response=replace(subject.facts, finish_reason=response_texts.get(finish_reason, finish_reason)),
            unknown=len(subject.unknown),
        )
    )


def masked_tools(exchange: Exchange, subject: Subject) -> tuple[Tool, ...]:
    """Return the offered tools as policy and approvers may see them: the prompt's, and the completion's."""
    texts = masked_texts([*exchange.parts, *subject.parts])
    return tuple(_masked_tool(tool, texts) for tool in (*exchange.prompt.tools, *subject.tools))


def _masked_tool(tool: Tool, texts: Mapping[str, str]) -> Tool:
    name, about = texts.get(tool.name, tool.name), texts.get(tool.description, tool.description)
    hosted = tool.hosted and (tool.hosted if name == tool.name else name)
    return replace(tool, name=name, description=about, hosted=hosted)


def masked_call(call: ToolCall, parts: Sequence[InspectedPart]) -> ToolCall:
    """Return the tool call with its name and arguments as policy may see them."""
    texts = masked_texts(parts)
    call = replace(call, name=texts.get(call.name, call.name))
    carrying = [part for part in parts if part.part.pointer in call.pointers]
    if call.arguments is None or not any(holds_value(part) for part in carrying):
        return call
    if call.raw_json:
        return replace(call, arguments=_read_object(carrying[0].masked))
    arguments: Mapping[str, Any] = _replace_leaves(call.arguments, lambda text: texts.get(text, text))
    return replace(call, arguments=arguments)


def _read_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _replace_leaves(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {change(key): _replace_leaves(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_leaves(item, change) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = value if isinstance(value, str) else digits(value)  # as it was inspected
    changed = change(text)
    return value if changed == text else changed
