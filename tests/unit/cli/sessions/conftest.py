"""The command line beside an audit folder, and the evidence of one session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import Journal, Record, new_writer
from tests.unit.cli.audit.conftest import evidence, regate

__all__ = ["HOSTILE", "audit", "evidence", "regate"]

HOSTILE = "</pre><script>alert(1)</script>\x1b[2J <EMAIL_ADDRESS_k7f3q2>"


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Path]:
    """A prompt that was held, approved and answered, and one that was refused; both of session se_1."""
    journal = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "state" / "evidence.key")
    journal.start()
    for record in (
        _record("decision", "ex_1", action="require_approval", duration_ms=400,
                **_said("user", HOSTILE, "bulk")),
        _record("approval", "ex_1", approval_id="ap_1", body={"event": "approved", "approver": "erin"}),
        _record("decision", "ex_1", action="allow", **_said("user", "not told again")),
        _record("completion", "ex_1", status=200, duration_ms=900, **_said("assistant", "the answer")),
        _record("decision", "ex_2", action="allow", **_said("assistant", "the answer")),
        _record("decision", "ex_2", action="deny", phase="response", **_said("assistant", "a call to rm")),
        _record("refusal", "ex_2", code="policy_denied", body={"message": "denied by policy"}),
        _record("decision", "ex_3", session_id="se_other"),
    ):  # fmt: skip
        journal.record_sync(record)
    journal.close()
    return tmp_path / "audit"


def _record(kind: Any, exchange: str, **fields: Any) -> Record:
    defaults = {"session_id": "se_1", "agent": "bot", "owner": "dana", "phase": "request"}
    return Record(kind, exchange_id=exchange, decision_id=f"de_{exchange}", **{**defaults, **fields})


def _said(role: str, text: str, reason: str = "") -> dict[str, Any]:
    part = {"role": role, "kind": "text", "pointer": "/0", "digest": text[:9], "new": True, "text": text}
    reasons = ({"rule": reason, "message": "too much", "severity": "high"},) if reason else ()
    return {"body": {"parts": [part]}, "reasons": reasons}
