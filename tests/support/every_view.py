"""Records that give every view of the evidence a row."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.audit import Record


class Writes(Protocol):
    """What records are handed to."""

    def record_sync(self, record: Record) -> None: ...


def fill(journal: Writes, name: str) -> None:
    """Record one exchange that is held, approved and answered, its shadow decision, and acts of people."""
    about: dict[str, Any] = {
        "exchange_id": f"ex_{name}",
        "session_id": f"se_{name}",
        "agent": "billing",
        "owner": "alice",
        "provider": "openai",
        "approval_id": f"ap_{name}",
    }
    part = {"role": "user", "kind": "text", "pointer": "/a", "digest": name, "new": True, "text": "hello"}
    warned = {"rule": "trial", "severity": "low", "controls": [], "would": "deny", "waiver": "SEC-1"}
    asked: dict[str, Any] = {
        **about,
        "decision_id": f"de_{name}",
        "phase": "request",
        "findings": ({"entity": "EMAIL_ADDRESS", "category": "pii", "count": 1},),
        "reasons": ({"rule": "pii.email", "severity": "low"},),
    }
    journal.record_sync(
        Record("decision", **asked, action="mask", body={"parts": [part], "decision": {"warnings": [warned]}})
    )
    called = [{"name": "send_mail", "arguments": {"to": "x"}, "restores": [], "origins": []}]
    answered = {"parts": [part], "input": {"tool_calls": called}}
    journal.record_sync(Record("decision", **{**asked, "phase": "response"}, action="allow", body=answered))
    journal.record_sync(Record("shadow", **asked, body={"before": "mask", "after": "deny", "differs": True}))
    journal.record_sync(Record("approval", **about, code="requested", body={"status": "pending"}))
    journal.record_sync(Record("forwarded", **about))
    journal.record_sync(
        Record(
            "completion",
            **about,
            status=200,
            body={"parts": [part], "cached_tokens": 7, "reasoning_tokens": 3},
        )
    )
    journal.record_sync(
        Record("refusal", **{**about, "exchange_id": f"no_{name}"}, status=403, code="policy_denied")
    )
    journal.record_sync(Record("gateway", code="key_created", body={"id": name, "by": "root"}))
    journal.record_sync(Record("gateway", code="policy_activated", body={"revision": name, "by": "root"}))
