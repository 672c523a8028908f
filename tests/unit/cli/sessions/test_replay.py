"""`regate sessions replay`: the order and the pace of a session, and hostile text in its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.sessions.replay import play, write_page
from cli.sessions.story import Event, read_story
from gateway.audit import Journal, Record, new_writer
from gateway.errors import RegateError

_HOSTILE = "</pre><script>alert(1)</script>\x1b[2J <EMAIL_ADDRESS_k7f3q2>"


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Path]:
    """A prompt that was held, approved and answered, and one that was refused; both of session se_1."""
    journal = Journal(tmp_path / "audit", new_writer(), key=tmp_path / "state" / "evidence.key")
    journal.start()
    for record in (
        _record("decision", "ex_1", action="require_approval", duration_ms=400,
                **_said("user", _HOSTILE, "bulk")),
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


def test_a_session_is_told_in_the_order_in_which_it_happened(audit: Path) -> None:
    told = [(event.record["exchange_id"], event.kind, _texts(event)) for event in read_story(audit, "se_1")]

    assert told == [
        ("ex_1", "prompt", [_HOSTILE]),
        ("ex_1", "decision", []),
        ("ex_1", "approval", []),
        ("ex_1", "decision", []),
        ("ex_1", "completion", ["the answer"]),
        ("ex_2", "prompt", []),  # the history that it sends back was told before
        ("ex_2", "decision", []),
        ("ex_2", "decision", ["a call to rm"]),
        ("ex_2", "refusal", []),
    ]


def test_the_pauses_are_those_of_the_session_at_the_speed_asked_for(
    audit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = read_story(audit, "se_1")
    pauses: list[float] = []

    play(events, 2, pauses.append)

    assert sum(pauses) == pytest.approx((events[-1].at - events[0].at).total_seconds() / 2)
    assert sum(pauses) >= 0.2  # the prompt came 400 ms before its decision
    said = capsys.readouterr().out
    assert "require_approval the prompt, de_ex_1" in said
    assert "high: bulk: too much" in said
    assert "approval ap_1 approved by erin" in said
    assert "refused: policy_denied: denied by policy" in said
    assert "\x1b[2J" not in said


def test_the_page_holds_everything_and_hostile_text_does_nothing_in_it(audit: Path, tmp_path: Path) -> None:
    write_page("se_1", read_story(audit, "se_1"), tmp_path / "session.html")

    page = (tmp_path / "session.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "⟨U+001B⟩" in page
    assert "<mark>&lt;EMAIL_ADDRESS_k7f3q2&gt;</mark>" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_session_that_is_not_in_the_evidence_is_an_error(audit: Path) -> None:
    with pytest.raises(RegateError, match="no session 'se_9'"):
        read_story(audit, "se_9")


def _record(kind: Any, exchange: str, **fields: Any) -> Record:
    defaults = {"session_id": "se_1", "agent": "bot", "owner": "dana", "phase": "request"}
    return Record(kind, exchange_id=exchange, decision_id=f"de_{exchange}", **{**defaults, **fields})


def _said(role: str, text: str, reason: str = "") -> dict[str, Any]:
    part = {"role": role, "kind": "text", "pointer": "/0", "digest": text[:9], "new": True, "text": text}
    reasons = ({"rule": reason, "message": "too much", "severity": "high"},) if reason else ()
    return {"body": {"parts": [part]}, "reasons": reasons}


def _texts(event: Event) -> list[str]:
    return [part["text"] for part in event.parts]
