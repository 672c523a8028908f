"""`regate audit erase`, as a script runs it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from gateway.audit import Record
from gateway.state import ApprovalStore, open_state
from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import Command
from tests.unit.state.test_approvals import PENDING


def said(number: int, **fields: Any) -> Record:
    return decision(number, body={"number": number, "said": f"the heron {number}"}, **fields)


@pytest.fixture
def told(evidence: Evidence) -> Evidence:
    """Six records in one closed segment: two of each of three sessions, the last two another agent's."""
    journal = evidence.journal()
    for number in range(6):
        journal.record_sync(said(number, agent="billing" if number < 4 else "support"))
    journal.close()
    return evidence


def bodies(evidence: Evidence) -> set[str]:
    """What can still be read."""
    select = "SELECT body->>'$.said' FROM records WHERE kind = 'decision' AND body IS NOT NULL"
    return {text for (text,) in evidence.rows(select)}


def test_what_a_session_said_cannot_be_read_and_the_chain_holds(regate: Command, told: Evidence) -> None:
    """The order, with its reason, is on record; a second one finds nothing."""
    asked = ("audit", "erase", "--session", "se_1", "--yes", "--json")
    assert json.loads(regate(*asked, "--reason", "request 4711")) == {
        "erased": 2,
        "left": 0,
        "open_approvals": 0,
    }
    assert bodies(told) == {f"the heron {number}" for number in (0, 2, 3, 5)}
    ordered = told.rows(
        "SELECT body->>'$.session_id', body->>'$.reason' FROM records WHERE code = 'erasure_ordered'"
    )
    assert ordered == [["se_1", "request 4711"]]
    assert "intact" in regate("audit", "verify")
    assert "nothing of se_1 is in the evidence, or all of it was erased before" in regate(*asked, code=1)


def test_what_an_agent_said_goes_with_what_people_were_shown_of_it(regate: Command, told: Evidence) -> None:
    """Open approvals keep theirs, and are counted."""
    now = time.time()
    ended = replace(PENDING, agent="billing", created_at=now, expires_at=now + 3600)
    state = open_state(regate.folder / "state/regate.db")
    try:
        with ApprovalStore(state).write() as rows:
            rows.insert(ended, "b1", None)
            rows.insert(replace(ended, id="ap_open"), "b2", None)
            rows.move(ended.id, "pending", "denied")
        found = json.loads(regate("audit", "erase", "--agent", "billing", "--yes", "--json"))
        assert found == {"erased": 4, "left": 0, "open_approvals": 1}
        with ApprovalStore(state).read() as rows:
            kept = {approval.id: approval.summary for approval in rows.matching()}
    finally:
        state.close()
    assert kept == {ended.id: "", "ap_open": PENDING.summary}
    assert bodies(told) == {"the heron 4", "the heron 5"}


def test_nothing_is_erased_or_recorded_before_a_person_agrees(regate: Command, told: Evidence) -> None:
    """Without a terminal to ask on, the answer is no."""
    before = told.rows("SELECT count(*) FROM records")
    assert "Erase 2 bodies of se_1? There is no way back" in regate(
        "audit", "erase", "--session", "se_1", code=1
    )
    assert len(bodies(told)) == 6
    assert told.rows("SELECT count(*) FROM records") == before


@pytest.mark.parametrize("named", [(), ("--session", "se_1", "--agent", "billing")])
def test_one_session_or_one_agent_has_to_be_named(
    regate: Command, told: Evidence, named: tuple[str, ...]
) -> None:
    assert "name a session or an agent, not both" in regate("audit", "erase", "--yes", *named, code=2)
    assert len(bodies(told)) == 6
