"""Asking policy about one exchange in one phase: build the input, decide, write it down, then act."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gateway.approvals import Approval, Approvals, Binding, Contents
from gateway.candidate import Question, Shadow
from gateway.config import ServerKey
from gateway.contract import ApprovalTerms, Decision, Mask, build_input, finding_rows, guard, to_document
from gateway.dialects import digits
from gateway.errors import ApprovalDenied, ApprovalExpired, ApprovalRequired, PolicyDenied
from gateway.exchange.exchange import Asked, Exchange, new_id
from gateway.exchange.history import unmark
from gateway.exchange.inspect import holds_value, masked_texts, syntax_of
from gateway.exchange.read_request import outgoing_headers
from gateway.exchange.record import Ledger
from gateway.exchange.summary import contents_of
from gateway.policy import Policies
from gateway.words import (
    ApprovalFacts,
    FindingRow,
    InspectedPart,
    Phase,
    ResponseFacts,
    Tool,
    ToolCall,
)

Restored = tuple[tuple[str, str], ...]
"""What restoring a tool call's placeholders would put into it: (entity, category) each."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What policy is asked about: a prompt, or the completion so far."""

    phase: Phase
    parts: Sequence[InspectedPart]
    calls: Sequence[tuple[ToolCall, Restored]] = ()
    facts: ResponseFacts = ResponseFacts()


class Asking:
    """Policy, the ledger and the approvals, as one exchange meets them."""

    def __init__(
        self,
        policies: Policies,
        ledger: Ledger,
        approvals: Approvals,
        key: ServerKey,
        shadow: Shadow | None = None,
    ) -> None:
        self._policies = policies
        self._shadow = shadow
        self._ledger = ledger
        self._approvals = approvals
        self._key = key

    async def decide(self, exchange: Exchange, subject: Subject) -> Decision:
        """Ask, and write the answer down before anything acts on it.

        Raises PolicyUnavailable, PolicyError, RecordingFailed.
        """
        began = time.time_ns()
        rows = finding_rows(subject.parts)
        document = input_of(exchange, subject, rows)
        decision = await self._policies.decide(document)
        if subject.phase == "request" and unmark(exchange, decision.revision):
            return await self.decide(exchange, replace(subject, parts=exchange.parts))
        syntax = syntax_of(subject.parts)
        decision = guard(
            decision,
            syntax=syntax,
            approval_status=document["approval"]["status"],
            enforced=exchange.enforced,
        )
        decision_id = new_id("dec")
        if subject.phase == "request":
            exchange.rows, exchange.decision, exchange.decision_id = rows, decision, decision_id
            exchange.revision = decision.revision
        record = await self._ledger.decision(
            exchange, subject.phase, decision_id, decision, document, subject.parts
        )
        entities = tuple(row.entity for row in rows)
        exchange.asked.append(Asked(subject.phase, decision_id, decision, entities, began, time.time_ns()))
        if self._shadow:
            self._shadow.observe(Question(replace(record, body={}), document, syntax, decision))
        return decision

    async def judge(self, exchange: Exchange, subject: Subject, completion: bytes) -> Decision:
        """Ask about a whole completion; hold it when policy wants people to see it; refuse it when denied."""
        decision = await self.decide(exchange, subject)
        if exchange.enforced and decision.action == "require_approval":
            approval = await self.hold(exchange, decision, subject, completion)
            await self.use(approval, exchange.id)
            exchange.response_approval = approval
            decision = await self.decide(exchange, subject)
        enforce(exchange, decision)
        return decision

    async def hold(
        self, exchange: Exchange, decision: Decision, subject: Subject, completion: bytes | None = None
    ) -> ApprovalFacts:
        """Wait for people, at most `wait_seconds`; the approval that lets this exchange pass.

        Raises ApprovalRequired, ApprovalDenied, ApprovalExpired.
        """
        approval = await self._approvals.hold(
            self.binding(exchange, subject.phase),
            decision.approval,
            revision=decision.revision,
            exchange_id=exchange.id,
            session_id=exchange.session_id,
            reasons=to_document(decision)["reasons"],
            contents=await asyncio.to_thread(_contents, exchange, subject),
            completion=completion,
        )
        exchange.waits_for = approval.id
        return await self._outcome(approval, decision.approval.wait_seconds)

    async def _outcome(self, approval: Approval, wait_seconds: float) -> ApprovalFacts:
        if approval.status == "pending":
            approval = await self._approvals.wait(approval.id, wait_seconds)
        extra = {"approval_id": approval.id, "reasons": [dict(reason) for reason in approval.reasons]}
        if approval.status == "pending":
            raise ApprovalRequired(
                "this request needs approval: send the same request again once it is approved", **extra
            )
        if approval.status == "expired":
            raise ApprovalExpired("the approval expired before anybody decided", **extra)
        if approval.status != "approved":
            raise ApprovalDenied(f"the approval was {approval.status}", **extra)
        return approval.facts()

    async def use(self, approval: ApprovalFacts, exchange_id: str) -> None:
        """Spend the approval, once. Raises ApprovalRequired when an identical request was quicker."""
        if approval.id and not await self._approvals.use(approval.id, exchange_id):
            raise ApprovalRequired(
                "the approval was used by an identical request: this one needs its own",
                approval_id=approval.id,
            )

    async def give_back(self, approval: ApprovalFacts) -> None:
        """Return an approval whose request the provider did not serve."""
        if approval.id:
            await self._approvals.give_back(approval.id)

    async def held_completion(self, exchange: Exchange) -> tuple[ApprovalFacts, bytes] | None:
        """The completion of an earlier, identical request that people were asked about, once they agreed.

        Raises like `hold`: while they have not, the provider is not called again.
        """
        if not await self._approvals.may_hold_completion(exchange.agent.id):
            return None
        binding = self.binding(exchange, "response")
        approval = await self._approvals.find(binding)
        if approval is None:
            return None
        terms = exchange.decision.approval if exchange.decision else ApprovalTerms()
        await self._outcome(approval, terms.wait_seconds)
        held = await self._approvals.held_completion(binding)
        return None if held is None else (held[0].facts(), held[1])

    def binding(self, exchange: Exchange, phase: Phase) -> Binding:
        """What an approval is bound to: it passes this request and no other."""
        return Binding(
            agent=exchange.agent,
            method=exchange.call.method,
            path=exchange.up_path,
            query=exchange.up_query,
            provider=exchange.upstream.name,
            phase=phase,
            digest=self._key.digest("binding", exchange.unmasked, _bound_headers(exchange)).hex(),
        )


def _bound_headers(exchange: Exchange) -> bytes:
    """Return the headers that go up, which can change what the provider does with the same body."""
    return json.dumps(sorted(outgoing_headers(exchange).items())).encode()


def enforce(exchange: Exchange, decision: Decision) -> None:
    """Carry out a denial. Raises PolicyDenied, unless this is a dry run."""
    if exchange.enforced and decision.action == "deny":
        raise PolicyDenied(_because(decision), reasons=to_document(decision)["reasons"])


def masks_of(exchange: Exchange, decision: Decision | None) -> dict[str, Mask]:
    """The masks to carry out, by entity; none in a dry run."""
    if decision is None or not exchange.enforced:
        return {}
    return {mask.entity: mask for mask in decision.mask}


def _because(decision: Decision) -> str:
    messages = [reason.message or reason.title or reason.rule for reason in decision.reasons]
    return "denied by policy: " + "; ".join(messages or ["no rule allows it"])


def input_of(exchange: Exchange, subject: Subject, rows: Sequence[FindingRow]) -> dict[str, Any]:
    """The document that policy is asked about."""
    response_texts = masked_texts(subject.parts) if subject.phase == "response" else {}
    texts = masked_texts(exchange.parts)
    prompt = replace(
        exchange.prompt,
        model=exchange.model,
        tools=_masked_tools(exchange),
        attachments=tuple(
            replace(each, media_type=texts.get(each.media_type, each.media_type))
            for each in exchange.prompt.attachments
        ),
    )
    response = subject.phase == "response"
    return build_input(
        phase=subject.phase,
        time=datetime.now(UTC),
        exchange_id=exchange.id,
        session_id=exchange.session_id,
        agent=exchange.agent,
        source=exchange.source,
        provider=exchange.upstream.name,
        dialect=exchange.dialect,
        method=exchange.call.method,
        path=exchange.path,
        prompt=prompt,
        models=exchange.models,
        parts=subject.parts,
        rows=rows,
        tool_calls=[(_masked_call(call, subject.parts), restored) for call, restored in subject.calls],
        session=exchange.session.facts(),
        usage=exchange.usage,
        approval=exchange.response_approval if response else exchange.approval,
        response=replace(
            subject.facts,
            finish_reason=response_texts.get(subject.facts.finish_reason, subject.facts.finish_reason),
        ),
    )


def _masked_tools(exchange: Exchange) -> tuple[Tool, ...]:
    """Return the offered tools as policy and people may see them."""
    texts = masked_texts(exchange.parts)
    return tuple(
        Tool(texts.get(tool.name, tool.name), texts.get(tool.description, tool.description))
        for tool in exchange.prompt.tools
    )


def _masked_call(call: ToolCall, parts: Sequence[InspectedPart]) -> ToolCall:
    """The call with its arguments as policy may see them."""
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
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


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


def _contents(exchange: Exchange, subject: Subject) -> Contents:
    """Return what people are shown of the prompt, or of the completion, that they are asked about."""
    request = subject.phase == "request"
    return contents_of(
        exchange,
        subject.parts,
        vault=exchange.vault if request else exchange.response_vault,
        calls=[_masked_call(call, subject.parts) for call, _ in subject.calls],
        tools=_masked_tools(exchange),
        attachments=exchange.prompt.attachments if request else (),
    )
