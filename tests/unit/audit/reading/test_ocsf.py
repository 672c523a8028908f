"""Records as OCSF events."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.audit.reading.ocsf import event


def row(**changes: Any) -> dict[str, Any]:
    texts = (
        "exchange_id session_id decision_id approval_id owner on_behalf_of provider dialect model agent "
        "revision code ip user_agent hash delegation"
    )
    return {
        **dict.fromkeys(texts.split(), ""),
        "kind": "decision",
        "phase": "request",
        "action": "allow",
        "enforced": True,
        "duration_ms": -1,
        "findings": [],
        "reasons": [],
        "writer": "w1",
        "seq": 1,
        "recorded_at": "2026-11-27T08:00:00.000000Z",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": -1,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "action", "disposition"),
    [
        ({}, "Allowed", "Allowed"),
        ({"action": "mask"}, "Allowed", "Corrected"),
        ({"action": "deny"}, "Denied", "Blocked"),
        ({"action": "deny", "enforced": False}, "Allowed", "Logged"),
        ({"kind": "refusal", "code": "policy_denied", "status": 403}, "Denied", "Blocked"),
        ({"kind": "refusal", "code": "out_of_scope", "status": 403}, "Denied", "Blocked"),
        ({"kind": "refusal", "code": "internal_error", "status": 500}, "Denied", "Error"),
    ],
)
def test_an_event_says_what_was_done(changes: dict[str, Any], action: str, disposition: str) -> None:
    """A dry run is logged, a fault is an error."""
    said = event(row(**changes))
    assert (said["action"], said["disposition"]) == (action, disposition)
    assert said["class_uid"] == 6003


def test_the_gravest_reason_is_the_severity() -> None:
    """Its message is the event's."""
    reasons = [
        {"rule": "a", "title": "", "message": "small", "severity": "low"},
        {"rule": "b", "title": "", "message": "large", "severity": "critical"},
    ]
    said = event(row(action="deny", reasons=reasons))
    assert said["severity"] == "Critical"
    assert said["message"] == "request: deny: small; large"
