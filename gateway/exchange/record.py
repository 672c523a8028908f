"""What is written down of an exchange: its decisions before they act, that it is sent, and how it ended."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.audit import Journal, Record
from gateway.audit.files import FINDING_FIELDS
from gateway.audit.sealing import ContentKey, DataKey
from gateway.contract import MASKABLE, Decision, Mask, to_document
from gateway.errors import RecordingFailed, Refusal
from gateway.exchange.counting import cost_of
from gateway.exchange.exchange import Exchange
from gateway.exchange.mask import Masks, mask_for, masked_texts, masks_of, syntax_of
from gateway.exchange.steps import Decided, Sent
from gateway.words import Completion, InspectedPart, Treatment

_log = logging.getLogger("regate.ledger")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_LEAST_FIRST: tuple[Treatment, ...] = ("passed", "masked", "redacted", "refused")


class Ledger:
    """Writes the journal for exchanges. A decision is durable at once; the rest is queued."""

    def __init__(self, journal: Journal, content: ContentKey) -> None:
        self._journal = journal
        self._content_key = content

    def record_decision(
        self,
        exchange: Exchange,
        decided: Decided,
        policy_input: Mapping[str, Any],
        parts: Sequence[InspectedPart],
    ) -> tuple[Record, Awaitable[None]]:
        """Begin to write down what policy was asked and said.

        Nothing may act on it before the second value was awaited. Both raise RecordingFailed.
        """
        decision, enforced = decided.decision, exchange.enforced
        own_words = exchange.inspected.own_words if decided.phase == "request" else frozenset[str]()
        said = to_document(decision)
        body = {
            "input": _input(policy_input, decision.record),
            **self._content(exchange, parts, decision.record),
            "decision": said,
            **_trace(exchange),
        }
        record = _record(
            exchange,
            kind="decision",
            phase=decided.phase,
            decision_id=decided.id,
            action=decision.action,
            revision=decision.revision,
            approval_id=policy_input["approval"]["id"],
            findings=_treated(policy_input["findings"], decision, parts, own_words, enforced=enforced),
            reasons=tuple(said["reasons"]),
            body=body,
        )
        durable = self._journal.begin(record)
        exchange.log("decided", lambda: {"phase": decided.phase, **_verdict(decision)})
        return record, durable

    def record_forwarding(self, exchange: Exchange, body: bytes, digest: str) -> None:
        """Note that the body begins to go to the provider. Raises RecordingFailed: then it must not go.

        The record is queued before the first byte. A crash may lose both it and the closing record: such an
        exchange may have been sent, and the evidence says so.
        """
        exchange.forwarded = Sent(datetime.now(UTC), len(body), digest)
        try:
            self._journal.enqueue(_record(exchange, kind="forwarded"))
        except RecordingFailed:
            exchange.forwarded = None
            raise
        exchange.log("forwarded", lambda: {"provider": exchange.provider, "bytes": len(body)})

    def record_completion(
        self, exchange: Exchange, status: int, completion: Completion, parts: Sequence[InspectedPart]
    ) -> None:
        """Close an exchange that was answered to its end. Raises RecordingFailed when the queue is full."""
        exchange.outcome, exchange.completion, exchange.status = "completed", completion, status
        level = exchange.decision.record if exchange.decision else "masked"
        texts = masked_texts(parts)
        self._journal.enqueue(
            _record(
                exchange,
                kind="completion",
                status=status,
                **_usage(exchange),
                body={
                    **self._content(exchange, parts, level),
                    "finish_reason": texts.get(completion.finish_reason, completion.finish_reason),
                    "model": texts.get(completion.model, completion.model),
                    **_token_details(exchange),
                    **_timing(exchange),
                    **({"withheld_calls": withheld} if (withheld := completion.withheld_calls) else {}),
                    **(
                        {"unknown_content": [texts.get(one, one) for one in unknown]}
                        if (unknown := completion.unknown)
                        else {}
                    ),
                },
            )
        )
        how = "stream" if exchange.prompt.stream else "whole"
        exchange.log("answered", lambda: {"status": status, "how": how})

    def record_refusal(self, exchange: Exchange, refusal: Refusal) -> None:
        """Close an exchange that is refused, or that its provider failed.

        The refusal stands even when it cannot be written down.
        """
        self._close(
            exchange,
            kind="completion" if refusal.code.startswith("upstream_") else "refusal",
            status=refusal.status,
            code=refusal.code,
            approval_id=str(refusal.extra.get("approval_id", "")),
            body={
                **_timing(exchange),
                "message": refusal.message,
                "reasons": refusal.extra.get("reasons", []),
            },
        )

    def record_break(self, exchange: Exchange, code: str) -> None:
        """Close an exchange whose answer ended early, say `cancelled` by the agent or the drain."""
        self._close(
            exchange,
            kind="completion",
            code=code,
            body=_token_details(exchange) | _timing(exchange),
        )

    def _close(self, exchange: Exchange, **fields: Any) -> None:
        if exchange.outcome:
            return
        exchange.outcome = str(fields["code"])
        exchange.log("answered", lambda: {"status": fields.get("status", 0), "how": exchange.outcome})
        try:
            self._journal.enqueue(_record(exchange, **_usage(exchange), **fields))
        except RecordingFailed:
            _log.error("a closing record was lost", extra={"exchange_id": exchange.id})

    def _content(self, exchange: Exchange, parts: Sequence[InspectedPart], level: str) -> dict[str, Any]:
        """Return the parts as `decision.record` says; text is written the first time its session sends it."""
        data_key = self._content_key.of(exchange.session_id) if level == "full" else None
        recorded = [_part(inspected, level, data_key) for inspected in parts]
        sealed = data_key is not None and any("sealed" in part for part in recorded)
        return {"parts": recorded, **({"content_key": data_key.wrapped} if data_key and sealed else {})}


def _verdict(decision: Decision) -> dict[str, object]:
    return {"action": decision.action, "rules": [reason.rule for reason in decision.reasons]}


def _treated(
    rows: Sequence[Mapping[str, Any]],
    decision: Decision,
    parts: Sequence[InspectedPart],
    own_words: Set[str],
    *,
    enforced: bool,
) -> tuple[dict[str, Any], ...]:
    """Return the columns of each row of findings, with what the decision does to them.

    Of one row the least that is done to any of its findings is said.
    """
    if enforced and decision.action in ("deny", "require_approval"):
        done: dict[str, Treatment] = {row["entity"]: "refused" for row in rows}
    else:
        done = _treatments(parts, masks_of(decision, enforced=enforced), own_words)
    return tuple(
        {
            **{name: row[name] for name in FINDING_FIELDS if name in row},
            "treatment": done.get(row["entity"], "passed"),
        }
        for row in rows
    )


def _treatments(parts: Sequence[InspectedPart], masks: Masks, own_words: Set[str]) -> dict[str, Treatment]:
    """Return what the masks do, by entity; what a provider signed itself goes back to it untouched."""
    done: dict[str, Treatment] = {}
    for one in parts:
        is_own = one.part.kind == "signed" and one.digest in own_words
        for finding in one.findings:
            mask = None if is_own else mask_for(masks, finding, one.part.kind)
            treatment = _treatment(mask)
            before = done.get(finding.entity, treatment)
            done[finding.entity] = min(before, treatment, key=_LEAST_FIRST.index)
    return done


def _treatment(mask: Mask | None) -> Treatment:
    if mask is None:
        return "passed"
    return "redacted" if mask.operator == "redact" else "masked"


def _usage(exchange: Exchange) -> dict[str, Any]:
    usage = exchange.usage_spent
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": cost_of(exchange, usage),
    }


def _token_details(exchange: Exchange) -> dict[str, int]:
    """Return what the provider's prompt cache gave and took, and what reasoning took, where it said so."""
    usage = exchange.usage_spent
    names = ("cached_tokens", "cache_written_tokens", "reasoning_tokens")
    return {name: count for name in names if (count := getattr(usage, name)) >= 0}


def _timing(exchange: Exchange) -> dict[str, Any]:
    """Return a stream's time to its first event and its keyed digest, the trace, and how it went up."""
    first = {"ttft_ms": round(exchange.ttft_ms, 3)} if exchange.ttft_ms >= 0 else {}
    handed = {"streamed": exchange.streamed.hexdigest()} if exchange.streamed else {}
    before = {"fallback_of": exchange.fallback_of} if exchange.fallback_of else {}
    return {**first, **handed, **_trace(exchange), **_attempts(exchange), **before}


def _attempts(exchange: Exchange) -> dict[str, Any]:
    """Return the attempts to reach the provider, where there was more than one that went well."""
    attempts = exchange.trail.attempts
    plain = len(attempts) <= 1 and not any(one.fault for one in attempts)
    return {} if plain else {"attempts": [asdict(one) for one in attempts]}


def _trace(exchange: Exchange) -> dict[str, str]:
    """Return the caller's trace, as its `traceparent` goes up: a header that was masked names none."""
    found = _TRACEPARENT.fullmatch(exchange.envelope.headers.get("traceparent", ""))
    return {"trace_id": found[1]} if found else {}


def _input(policy_input: Mapping[str, Any], level: str) -> dict[str, Any]:
    """Return what policy was asked, without the parts, which are recorded beside it.

    The level `metadata` keeps no words.
    """
    prompt = {name: value for name, value in policy_input["prompt"].items() if name != "parts"}
    if level != "metadata":
        return {**policy_input, "prompt": prompt}
    tools = [{"name": tool["name"]} for tool in policy_input["tools"]]
    calls = [
        {name: value for name, value in call.items() if name not in ("arguments", "origins")}
        for call in policy_input["tool_calls"]
    ]
    return {**policy_input, "prompt": prompt, "tools": tools, "tool_calls": calls}


def _part(inspected: InspectedPart, level: str, data_key: DataKey | None) -> dict[str, Any]:
    said: dict[str, str] = {}
    if level != "metadata" and inspected.new:
        said["text"] = inspected.masked
        if data_key and inspected.findings:
            said["sealed"] = data_key.encrypt(inspected.part.text, inspected.digest)
    return {
        "role": inspected.part.role,
        "kind": inspected.part.kind,
        "pointer": inspected.pointer,
        "digest": inspected.digest,
        "new": inspected.new,
        **_place(inspected),
        **said,
    }


def _place(inspected: InspectedPart) -> dict[str, Any]:
    """Return what a replay needs of a key or syntax: policy did not see it, or no mask may touch it."""
    place = inspected.part.place
    if inspected.findings and place not in MASKABLE:
        (syntax,) = syntax_of([inspected])
        return {"place": place, "entities": list(syntax.entities), "score": syntax.score}
    return {} if inspected.new or place != "structural" else {"place": place}


def _record(exchange: Exchange, **fields: Any) -> Record:
    """Return a record with everything about the exchange that is known by now."""
    approval_id = fields.pop("approval_id", "") or exchange.approval_id
    sent = exchange.forwarded
    return Record(
        **{
            "exchange_id": exchange.id,
            "session_id": exchange.session_id,
            "decision_id": exchange.decision_id,
            "agent": exchange.agent.id,
            "owner": exchange.agent.owner,
            "on_behalf_of": exchange.agent.on_behalf_of,
            "provider": exchange.provider,
            "dialect": exchange.dialect,
            "model": exchange.inspected.model,
            "method": exchange.call.method,
            "path": exchange.envelope.path,
            "enforced": exchange.enforced,
            "revision": exchange.revision,
            "approval_id": approval_id,
            "duration_ms": round(exchange.elapsed_ms(), 3),
            "key_id": exchange.agent.key_id or None,
            "delegation": exchange.agent.delegated,
            "source_ip": exchange.call.source.ip or None,
            "tags": exchange.envelope.tags or None,
            "forwarded_at": sent.at if sent else None,
            "bytes_sent": sent.bytes if sent else None,
            "sent_digest": sent.digest if sent else None,
            **fields,
        }
    )
