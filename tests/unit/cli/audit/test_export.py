"""`regate audit export`: what other tools get of the evidence."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gateway.audit import Record
from gateway.audit.files.folder import is_tombstone
from gateway.audit.files.rotation import open_signer
from gateway.audit.sealing.orders import Order, order_erasure
from tests.support import prefork
from tests.support.history import write_history
from tests.unit.audit.conftest import Evidence, decision

PROJECT = Path(__file__).parents[4]

# https://schema.ocsf.io/1.9.0/classes/api_activity: what is required, and the values that are words of it
_REQUIRED = {
    "activity_id": {0, 1, 2, 3, 4, 99},
    "category_uid": {6},
    "class_uid": {6003},
    "type_uid": {600300, 600301, 600302, 600303, 600304, 600399},
    "severity_id": {0, 1, 2, 3, 4, 5, 6, 99},
    "status_id": {0, 1, 2, 99},
    "action_id": {0, 1, 2},
    "disposition_id": {*range(28), 99},
}


def export(folder: Path, *arguments: str, code: int = 0) -> bytes:
    folder.joinpath("regate.yaml").write_text(
        "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n"
    )
    done = subprocess.run(
        [*prefork.program(), "audit", "export", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout or done.stderr


def events(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export(folder, "--format", "ocsf", *arguments).splitlines()]


def test_records_are_the_journals_lines_byte_for_byte_wherever_they_lie(
    evidence: Evidence, tmp_path: Path
) -> None:
    """Every line once: of a sealed segment, of one whose tombstone stands, of one that is being written."""
    lines = []
    for number, said in enumerate(("sealed", "é \N{HEAVY CHECK MARK}", "  spaced\x00  ")):
        journal = evidence.journal()
        journal.record_sync(decision(number, body={"said": said, "number": 2**70}))
        if number == 0:
            journal.close()
            lines.append(evidence.live().read_bytes())
            evidence.sealer(bury=0).seal()
            evidence.sealer(bury=0).seal()
    lines += [path.read_bytes() for path in evidence.folder.live_files() if not is_tombstone(path)]
    evidence.folder.live("w0-000001").write_bytes(b'{"writer":"w0","seq":1,"torn')

    exported = export(tmp_path)
    assert sorted(exported.splitlines()) == sorted(b"".join(lines).splitlines())
    assert len(exported.splitlines()) == 3


def test_rows_of_any_view_come_as_json_lines_or_parquet(evidence: Evidence, tmp_path: Path) -> None:
    write_history(evidence.root, evidence.key)
    held = [json.loads(row) for row in export(tmp_path, "--view", "approvals").splitlines()]
    assert [(row["approval_id"], row["approvers"]) for row in held] == [("ap_1", ["erin"])]

    out = tmp_path / "decisions.parquet"
    export(tmp_path, "--view", "decisions", "--format", "parquet", "--out", str(out))
    assert out.stat().st_mode & 0o077 == 0
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*), count(DISTINCT action) FROM '{out}'").fetchall()
    assert found == [(11, 4)]


def test_since_and_until_bound_the_time(evidence: Evidence, tmp_path: Path) -> None:
    write_history(evidence.root, evidence.key)
    for arguments in ([], ["--view", "sessions"], ["--format", "ocsf"]):
        assert export(tmp_path, *arguments, "--since", "1h", "--until", "2999-01-01T08:00+02:00")
        assert not export(tmp_path, *arguments, "--until", "1h")
    assert b"--since: found 'soon'" in export(tmp_path, "--since", "soon", code=2)


def test_an_export_that_fails_leaves_the_file_as_it_was(written: Evidence, tmp_path: Path) -> None:
    out = tmp_path / "kept.ndjson"
    out.write_text("an older export")
    written.sealer().seal()
    whole = written.sealed().read_bytes()
    written.sealed().chmod(0o600)
    written.sealed().write_bytes(whole[:100] + bytes(len(whole) - 200) + whole[-100:])

    told = export(tmp_path, "--out", str(out), code=1)
    assert b"Traceback" not in told
    assert out.read_text() == "an older export"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_every_ocsf_event_has_what_its_class_requires(evidence: Evidence, tmp_path: Path) -> None:
    write_history(evidence.root, evidence.key)
    made = events(tmp_path)
    assert {said["unmapped"].get("action") for said in made} >= {"allow", "mask", "require_approval", "deny"}
    for said in made:
        for name, known in _REQUIRED.items():
            assert said[name] in known, name
        assert said["type_uid"] == said["class_uid"] * 100 + said["activity_id"]
        assert said["time"] > 1_600_000_000_000
        assert said["metadata"]["version"] == "1.9.0"
        assert said["metadata"]["product"]["name"]
        assert said["actor"]["user"]["name"]
        assert said["api"]["operation"]
        assert said["api"]["request"]["uid"]
        assert {"ip", "name"} & said["src_endpoint"].keys()
        assert said["message"]
        assert said["attestation_list"][0]["fingerprint"]["value"]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"action": "allow"}, (1, 1, 1)),
        ({"action": "mask"}, (1, 11, 1)),
        ({"action": "require_approval"}, (0, 14, 99)),
        ({"action": "deny"}, (2, 2, 2)),
        ({"action": "deny", "enforced": False}, (1, 17, 1)),
        ({"kind": "refusal", "code": "approval_denied", "status": 403}, (2, 2, 2)),
        ({"kind": "refusal", "code": "unauthenticated", "status": 401}, (2, 2, 2)),
        ({"kind": "refusal", "code": "policy_error", "status": 500}, (2, 27, 2)),
    ],
)
def test_what_was_done_about_a_call_is_its_action_disposition_and_status(
    evidence: Evidence, tmp_path: Path, fields: dict[str, Any], outcome: tuple[int, int, int]
) -> None:
    evidence.journal().record_sync(decision(1, **{"action": "", **fields}))
    (said,) = events(tmp_path)
    assert (said["action_id"], said["disposition_id"], said["status_id"]) == outcome


def test_a_denial_is_one_event_with_its_reasons_and_where_it_came_from(
    evidence: Evidence, tmp_path: Path
) -> None:
    reason = {"rule": "secret.deny", "message": "PRIVATE_KEY in the prompt", "severity": "critical"}
    source = {"input": {"source": {"ip": "10.0.0.7", "user_agent": "openai-python"}}}
    journal = evidence.journal()
    journal.record_sync(decision(1, action="deny", reasons=(reason,), method="POST", body=source))
    journal.record_sync(Record("refusal", exchange_id="ex_1", code="policy_denied", status=403))
    (said,) = events(tmp_path)
    assert said["severity_id"] == 5
    assert said["activity_id"] == 1
    assert said["src_endpoint"] == {"ip": "10.0.0.7"}
    assert said["http_request"]["user_agent"] == "openai-python"
    assert said["message"] == "request: deny: PRIVATE_KEY in the prompt"
    assert said["unmapped"]["reasons"][0]["rule"] == "secret.deny"


def test_an_event_of_an_erased_decision_is_still_whole(evidence: Evidence, tmp_path: Path) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1, session_id="se_x", body={"input": {"source": {"ip": "10.0.0.7"}}}))
    journal.close()
    sealer = evidence.sealer()
    sealer.seal()
    signer = open_signer(evidence.key, evidence.folder)
    order_erasure(evidence.folder, signer, Order("se_x"), datetime.now(UTC))
    sealer.seal()

    (said,) = events(tmp_path)
    assert said["src_endpoint"] == {"name": "unknown"}
    # the export before is on record as well
    (line,) = [each for each in export(tmp_path).splitlines() if b"evidence_exported" not in each]
    assert b'"body":{' not in line
    assert b'"hash"' in line
