"""Records as OCSF events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.audit.reading.ocsf import SELECT, event, event_of_record
from gateway.audit.reading.sql import query
from tests.support.history import write_history
from tests.unit.audit.conftest import Evidence


def row(**changes: Any) -> dict[str, Any]:
    texts = (
        "exchange_id session_id decision_id approval_id owner on_behalf_of provider dialect model agent "
        "revision code ip user_agent hash prev key_id delegation"
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
        "seq": 7,
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


def test_an_event_names_the_agent_its_model_and_whose_delegation_it_acts_on() -> None:
    said = event(row(agent="billing", owner="dana", key_id="k1", model="gpt-4o", provider="openai"))
    assert said["actor"] == {"user": {"name": "dana", "type_id": 1, "type": "User"}}
    assert said["ai_agent"] == {
        "uid": "billing",
        "name": "billing",
        "type_id": 0,
        "type": "Unknown",
        "ai_model": {"name": "gpt-4o", "ai_provider": "openai"},
    }
    assert said["delegation"] == {"uid": "k1", "issuer_uid": "regate"}


def test_a_call_of_unknown_origin_acts_on_no_delegation() -> None:
    said = event(row(kind="refusal", code="unauthenticated", status=401))
    assert said["actor"] == {"user": {"name": "unidentified", "type_id": 99, "type": "Agent"}}
    assert not {"ai_agent", "delegation"} & said.keys()


@pytest.mark.parametrize(("seq", "prev", "linked"), [(1, "0" * 64, None), (7, "a" * 64, "w1:6")])
def test_an_event_says_where_its_record_is_in_the_chain(seq: int, prev: str, linked: str | None) -> None:
    (attested,) = event(row(seq=seq, prev=prev, hash="b" * 64))["attestation_list"]  # type: ignore[misc]
    assert attested["chain_uid"] == "w1"
    assert attested["fingerprint"]["value"] == "b" * 64
    assert attested.get("prev_event", {}).get("uid") == linked


def test_a_line_and_a_row_of_one_record_give_one_event(evidence: Evidence) -> None:
    """What is shipped live is what an export gives."""
    write_history(evidence.root, evidence.key)
    lines = evidence.live().read_bytes().splitlines()
    shipped = [made for line in lines if (made := event_of_record(json.loads(line)))]
    with query(evidence.root, SELECT) as result:
        exported = [event(dict(zip(result.columns, one, strict=True))) for one in result.rows]
    assert shipped == exported
    assert {said["unmapped"]["kind"] for said in shipped} == {"decision", "refusal"}
