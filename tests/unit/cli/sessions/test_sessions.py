"""`regate sessions`, as a script runs it."""

from __future__ import annotations

import json

from gateway.audit import Record
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import Command


def test_sessions_are_listed_and_shown(regate: Command, evidence: Evidence) -> None:
    journal = evidence.journal()
    parts = [
        {"role": "user", "kind": "text", "pointer": "/0", "digest": "d", "new": True, "text": "hello\x1b"}
    ]
    journal.record_sync(
        decision(
            1,
            session_id="se_x",
            action="deny",
            reasons=({"rule": "models.list", "message": "no"},),
            body={"parts": parts},
        )
    )
    journal.record_sync(
        Record(
            "refusal",
            exchange_id="ex_1",
            session_id="se_x",
            agent="billing",
            code="policy_denied",
            status=403,
        )
    )

    (listed,) = json.loads(regate("sessions", "list", "--json"))
    assert (listed["session_id"], listed["agent"], listed["denied"]) == ("se_x", "billing", 1)
    assert json.loads(regate("sessions", "list", "--agent", "other", "--json")) == []
    told = regate("sessions", "show", "se_x")
    assert "refused" in told
    assert "deny: models.list: no" in told
    assert "user: hello\N{REPLACEMENT CHARACTER}" in told
    (shown,) = json.loads(regate("sessions", "show", "se_x", "--json"))
    assert shown["parts"][0]["text"] == "hello\x1b"
    assert "no session 'nope'" in regate("sessions", "show", "nope", code=1)
