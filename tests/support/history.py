"""A week of evidence in small: every kind of thing that people ask the evidence about happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.audit import Journal, Record, new_writer

_MASKED = {
    "rule": "pii.mask",
    "title": "Personal data",
    "message": "EMAIL_ADDRESS in the prompt",
    "severity": "medium",
}
_DENIED = {
    "rule": "secret.deny",
    "title": "A private key",
    "message": "PRIVATE_KEY in the prompt",
    "severity": "high",
}
_HELD = {
    "rule": "injection.hold",
    "title": "Injection",
    "message": "a tool's result gives orders",
    "severity": "high",
}


def _found(entity: str, category: str, kind: str = "text") -> Mapping[str, Any]:
    counts = {"count": 2, "distinct": 1, "new": 1, "max_score": 1.0}
    return {"entity": entity, "category": category, "roles": ["user"], "kinds": [kind], **counts}


_MAIL = {"name": "send_mail", "arguments": {}, "restores": [], "origins": []}
_EMAIL = _found("EMAIL_ADDRESS", "pii")
_STEERING = _found("PROMPT_INJECTION", "injection", "tool_result")
_SPENT = {"status": 200, "input_tokens": 900, "output_tokens": 100, "cost": 0.01}
_CONTROLS = {"controls": ["SOC2:CC6.7", "OWASP:LLM02"]}


def write_history(root: Path, key: Path) -> None:
    """Write the records of one gateway's journal, which is closed then."""
    journal = Journal(root, new_writer(), key=key)
    journal.start()
    for record in _records():
        journal.record_sync(record)
    journal.close()


def _records() -> list[Record]:
    return [
        Record("gateway", code="started", body={"version": "0.1.0"}),
        *_answered("ex_plain", "allow", said="Summarise the contract of this customer, please"),
        *_answered("ex_mask", "mask", on_behalf_of="alice", reasons=[_MASKED], findings=[_EMAIL]),
        _decision("ex_deny", "deny", reasons=[_DENIED], findings=[_found("PRIVATE_KEY", "secret")]),
        _closing("ex_deny", "refusal", status=403, code="policy_denied"),
        *_answered("ex_again", "allow", said="The same without the key"),
        _decision("ex_held", "require_approval", reasons=[_HELD], findings=[_STEERING]),
        _approval("requested", "pending"),
        _approval("approved", "approved", approver="erin", note="checked with legal", approvers=["erin"]),
        *_answered("ex_held", "allow", approval_id="ap_1"),
        _decision("ex_dry", "deny", enforced=False, agent="lab", revision="r2", reasons=[_DENIED],
                  findings=[{**_EMAIL, "treatment": "passed"}]),
        _closing("ex_dry", "completion", status=200, agent="lab"),
        _decision("ex_lost", "allow"),
        _closing("ex_lost", "refusal", status=502, code="upstream_unavailable"),
        _decision("ex_again", "mask", phase="response", reasons=[_MASKED], tool_calls=[_MAIL]),
        _decision("ex_tool", "allow"),
        _decision("ex_tool", "mask", phase="response", reasons=[_MASKED], findings=[_found("PERSON", "pii")],
                  tool_calls=[_MAIL]),
        _closing("ex_tool", "completion", status=200, cost=0.002, body={"cached_tokens": 800}),
    ]  # fmt: skip


def _answered(
    exchange: str, action: str, *, said: str = "Write to <EMAIL_ADDRESS_k7f3q2>", **fields: Any
) -> list[Record]:
    return [
        _decision(exchange, action, said=said, **fields),
        _closing(exchange, "completion", said="Done", on_behalf_of=fields.get("on_behalf_of", ""), **_SPENT),
    ]


def _decision(exchange: str, action: str, *, said: str = "", tool_calls: Any = (), **fields: Any) -> Record:
    body = {
        "input": {"agent": {"groups": ["support"]}, "tool_calls": list(tool_calls)},
        "parts": _parts("user", said),
    }
    decision_id = f"dec_{exchange}_{fields.get('phase', 'request')}_{action}"
    return _record("decision", exchange, action=action, decision_id=decision_id, body=body, **fields)


def _closing(exchange: str, kind: str, *, said: str = "", **fields: Any) -> Record:
    return _record(kind, exchange, **{"phase": "", "body": {"parts": _parts("assistant", said)}, **fields})


def _approval(event: str, status: str, **details: Any) -> Record:
    body = {"event": event, "status": status, "approvers": [], **details}
    return _record("approval", "ex_held", approval_id="ap_1", code=status, body=body, reasons=[_HELD])


def _record(kind: Any, exchange: str, **fields: Any) -> Record:
    defaults: Mapping[str, Any] = {
        "agent": "support-bot",
        "owner": "dana",
        "session_id": f"se_{fields.get('agent', 'support-bot')}",
        "phase": "request",
        "provider": "openai",
        "dialect": "openai.chat",
        "model": "gpt-4o",
        "method": "POST",
        "path": "/v1/chat/completions",
        "revision": "r1",
        "duration_ms": 12.5,
    }
    reasons = tuple({**reason, **_CONTROLS} for reason in fields.pop("reasons", ()))
    findings = tuple(fields.pop("findings", ()))
    return Record(kind, exchange_id=exchange, reasons=reasons, findings=findings, **{**defaults, **fields})


def _parts(role: str, text: str) -> list[dict[str, Any]]:
    part = {
        "role": role,
        "kind": "text",
        "pointer": "/messages/0/content",
        "digest": text,
        "new": True,
        "text": text,
    }
    return [part] if text else []
