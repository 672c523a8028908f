"""`regate audit subject`: one person is found, exported and erased, and others' words stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.audit import Record
from gateway.config import load_server_key
from gateway.masking import Vault
from tests.unit.audit.conftest import Evidence
from tests.unit.cli.audit.conftest import Command

MAIL = "alice.archer@acme.org"
EXCHANGES = 173
SESSIONS = 150


def told(number: int, person: str, said: str, **fields: Any) -> list[Record]:
    """The decision and the completion of an exchange, the completion with an answer."""
    about = {
        "exchange_id": f"ex_{person[:1]}_{number}",
        "session_id": f"se_{number % SESSIONS}",
        "agent": "desk",
        "owner": "olga",
        "on_behalf_of": person,
        **fields,
    }
    parts = [{"role": "user", "kind": "text", "pointer": f"/{n}", "digest": f"{said}{n}", "new": True,
              "text": text} for n, text in enumerate((said, "the shared manual"))]  # fmt: skip
    found = ({"entity": "EMAIL_ADDRESS", "category": "pii", "count": 1},)
    agent = {"id": "desk", "owner": about["owner"], "on_behalf_of": about["on_behalf_of"]}
    body = {"parts": parts, "input": {"agent": agent, "tool_calls": [{"arguments": {"to": said}}]}}
    answer = {"parts": [{**parts[0], "role": "assistant", "text": f"answer to {said}"}]}
    return [
        Record("decision", **about, decision_id=f"de_{person[:1]}_{number}", findings=found, body=body),
        Record("completion", **about, status=200, body=answer),
    ]


@pytest.fixture
def desk(regate: Command, evidence: Evidence) -> Evidence:
    """Alice's 173 exchanges in 150 sessions, each shared with Bob, who wrote about her in one of them."""
    vault = Vault(load_server_key(regate.folder / "state/server.key").derive("placeholders", "desk"))
    hers = vault.placeholder("EMAIL_ADDRESS", "pii", MAIL)
    journal = evidence.journal()
    for number in range(EXCHANGES):
        for record in told(number, "alice", f"alice's worry {number}"):
            journal.enqueue(record)
        for record in told(number, "bob", f"bob's plan {number}"):
            journal.enqueue(record)
    for record in told(500, "bob", f"write to {hers}, then to carol"):
        journal.enqueue(record)
    approval = {"approver": "alice", "approvers": ["alice", "erin"], "status": "approved", "note": "fine"}
    journal.enqueue(Record("approval", approval_id="ap_1", owner="bob", code="approved", body=approval))
    journal.record_sync(told(501, "", "olga's own", owner="alice", source_ip="10.0.0.9")[0])
    journal.close()
    return evidence


def test_a_hold_on_a_person_keeps_what_is_theirs(regate: Command, desk: Evidence) -> None:
    """Not what is others'; the log of seals and what is recorded of the act do not name her."""
    held, *said = regate("audit", "hold", "--person", "alice", "--value", MAIL, "--reason", "case 12").split()
    assert said[:2] == ["holds", str(2 * EXCHANGES + 4)]
    assert (
        json.loads(regate("audit", "erase", "--agent", "desk", "--yes", "--json"))["left"]
        == 2 * EXCHANGES + 3
    )
    bodies = "SELECT count(body) FROM records WHERE kind IN ('decision', 'completion') AND on_behalf_of = ?"
    assert [desk.rows(bodies, person) for person in ("alice", "bob")] == [[[2 * EXCHANGES]], [[2]]]
    acts = desk.rows("SELECT body FROM records WHERE code = 'hold_placed'")
    assert not any(b"alice" in text for text in (desk.folder.seals.read_bytes(), str(acts).encode()))

    regate("audit", "release", held)
    regate("audit", "seal")
    assert desk.rows(bodies, "alice") == [[0]]
    assert "nothing of zoe" in regate("audit", "hold", "--person", "zoe", code=1)
    assert "expected it with --person" in regate("audit", "hold", "--all", "--value", MAIL, code=2)


ALICE = ("audit", "subject", "alice", "--value", MAIL)


def test_one_person_is_found_exported_and_erased_in_one_command_and_others_stay(
    regate: Command, desk: Evidence
) -> None:
    """What is left proves as before, says when and by which order, and the certificate holds alone."""
    count = "SELECT count(*), count(*) FILTER (on_behalf_of = 'alice') FROM records WHERE exchange_id <> ''"
    [[records, hers]] = desk.rows(count)
    assert hers == 2 * EXCHANGES
    bobs = "SELECT prompt, completion, system FROM contents WHERE on_behalf_of = 'bob' ORDER BY ALL"
    before = desk.rows(bobs)
    out = ("--export", "alice.json", "--erase", "--certificate", "alice.cert", "--reason", "4711", "--yes")
    done = json.loads(regate(*ALICE, *out, "--json"))

    found = {"records": 2 * EXCHANGES + 4, "exchanges": EXCHANGES + 2, "sessions": SESSIONS}
    assert {name: done[name] for name in found} == found
    assert done["roles"] == {"approver": 1, "end_user": 2 * EXCHANGES, "owner": 1, "value": 2}
    assert (done["erased"], done["left"]) == (2 * EXCHANGES + 4, 0)
    exported = json.loads((regate.folder / "alice.json").read_text("utf-8"))
    assert len(exported["found"]) == found["records"]
    words = json.dumps(exported)
    assert all(f"alice's worry {number}" in words for number in range(EXCHANGES))
    assert "bob's plan" not in words

    disk = [path for path in desk.root.rglob("*") if path.is_file() and b"alice" in path.read_bytes()]
    rows = json.dumps(desk.rows("SELECT * FROM records"), default=str)
    assert "alice" not in rows
    assert disk == []
    after = desk.rows(bobs)
    assert len(after) == len(before) == EXCHANGES + 1
    assert [row for row in after if row in before] == [row for row in before if "write to" not in row[0]]
    [about] = [row[0] for row in after if row not in before]
    assert about == "[erased]\nthe shared manual"
    assert desk.rows(count) == [[records, 0]]
    gone = "SELECT count(*), count(DISTINCT order_id), min(order_id) FROM records WHERE erased_at IS NOT NULL"
    assert desk.rows(gone) == [[found["records"], 1, done["order"]]]
    ordered = "SELECT person, body->>'$.reason' FROM access WHERE act = 'erasure_ordered'"
    assert len(desk.rows(ordered)) == 1
    assert desk.rows("SELECT approvers[2] FROM approvals") == [["erin"]]
    assert "intact" in regate("audit", "verify")

    public = ("--public-key", "state/evidence.pub")
    said = regate("audit", "verify", "--proof", "alice.cert", *public)
    assert said.startswith(f"erased of alice by order {done['order']}")
    forged = (regate.folder / "alice.cert").read_bytes().replace(b'"person":"alice"', b'"person":"carol"')
    (regate.folder / "forged").write_bytes(forged)
    assert "does not hold" in regate("audit", "verify", "--proof", "forged", *public, code=1)
    assert "nothing of alice is in the evidence" in regate(*ALICE, "--erase", "--yes", code=1)

    assert "bodies erased by order" in regate("audit", "verify", "--since", "1h", "--statement", "s", code=3)
    assert "bodies erased" in regate("audit", "verify", "--proof", "s", *public)
