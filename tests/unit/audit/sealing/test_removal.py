"""Erasing bodies and dropping files: what goes is gone, what stays is proved, and each act is on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.audit import Sealer
from gateway.audit.files import signed_log
from gateway.audit.files.line import open_line
from gateway.audit.files.signing import load_signer
from gateway.audit.sealing.orders import Order, order_erasure
from gateway.audit.sealing.removal import RemovalFailed
from tests.unit.audit.conftest import Evidence, decision


def said(number: int, **fields: Any) -> Any:
    part = {"role": "user", "kind": "text", "pointer": "/0", "digest": f"d{number}", "new": True}
    body = {"parts": [{**part, "text": f"the heron {number}"}], "number": number}
    return decision(number, body=body, **fields)


@pytest.fixture
def sealed(evidence: Evidence) -> Evidence:
    """Nine records of the sessions se_0 to se_2 in one sealed file."""
    journal = evidence.journal()
    for number in range(9):
        journal.record_sync(said(number))
    journal.close()
    assert len(sealer(evidence).seal(everything=True).segments) == 1
    return evidence


def sealer(evidence: Evidence, **options: Any) -> Sealer:
    made = Sealer(
        evidence.root, key=evidence.key, settle_seconds=0, bury_seconds=0, gather_seconds=0, **options
    )
    made.start()
    return made


def order(evidence: Evidence, session: str = "", agent: str = "") -> Order:
    signer = load_signer(evidence.key, evidence.folder.disk)
    return order_erasure(evidence.folder, signer, Order(session, agent), datetime.now(UTC))


def on_disk(evidence: Evidence) -> bytes:
    """Everything that the audit folder holds: rows as DuckDB unpacks them, and the files as they are."""
    rows = orjson.dumps(evidence.rows("SELECT body FROM records"), default=str)
    return rows + b"".join(path.read_bytes() for path in evidence.root.rglob("*") if path.is_file())


def test_what_a_session_said_is_gone_and_everything_else_is_proved(sealed: Evidence) -> None:
    order(sealed, session="se_1")
    sealer(sealed).seal()

    for number in range(9):
        assert (b"the heron %d" % number in on_disk(sealed)) == (number % 3 != 1)
    report = sealed.verify()
    assert report.intact, report.breaks
    assert report.records == 9
    gone = "SELECT count(*), count(body), count(action) FROM records WHERE session_id = 'se_1'"
    assert sealed.rows(gone) == [[3, 0, 3]]


def test_an_agent_is_erased_in_all_its_sessions_and_no_other_agent(sealed: Evidence) -> None:
    journal = sealed.journal()
    journal.record_sync(said(77, agent="other"))
    journal.close()
    order(sealed, agent="billing")

    sealer(sealed).seal(everything=True)

    assert sealed.rows("SELECT agent, count(*) FROM records WHERE body IS NOT NULL GROUP BY 1") == [
        ["other", 1]
    ]
    assert sealed.verify().intact


def test_an_order_stands_for_segments_that_are_sealed_later(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(said(1))
    order(evidence, session="se_1")
    sealer(evidence).seal(everything=True)
    assert b"the heron 1" in on_disk(evidence)  # its segment is being written
    journal.record_sync(said(4))  # said after the order
    journal.close()

    sealer(evidence).seal(everything=True)

    assert evidence.rows("SELECT body IS NULL FROM records ORDER BY seq") == [[True], [False]]
    assert evidence.verify().intact


def test_an_order_has_writers_close_the_segments_that_they_write(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(said(1))
    order(evidence, session="se_1")
    journal.record_sync(said(2))
    assert len(evidence.folder.live_files()) == 2


def test_an_approvers_verdict_stays_when_what_was_shown_goes(evidence: Evidence) -> None:
    journal = evidence.journal()
    for event, extra in (("requested", {"summary": "user: the heron"}), ("approved", {"note": "fine"})):
        journal.record_sync(
            decision(1, kind="approval", code=event, body={"event": event, "approvers": ["erin"], **extra})
        )
    journal.close()
    order(evidence, session="se_1")
    for _ in range(2):  # sealed, then the live segment buried
        sealer(evidence).seal(everything=True)

    assert b"the heron" not in on_disk(evidence)
    assert evidence.rows("SELECT body->>'$.note' FROM records ORDER BY seq") == [[None], ["fine"]]
    assert evidence.verify().intact


def test_a_body_that_is_missing_without_an_erasure_is_a_break(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(said(1))
    journal.close()
    live = evidence.live()
    live.write_bytes(open_line(live.read_bytes()[:-1]).without_body().withheld() + b"\n")
    assert not evidence.verify().intact


def test_a_file_written_anew_by_hand_is_a_break(sealed: Evidence) -> None:
    order(sealed, session="se_1")
    before = sealed.sealed().read_bytes()
    sealer(sealed).seal()
    lines = sealed.folder.seals.read_bytes().splitlines(keepends=True)
    sealed.folder.seals.write_bytes(b"".join(lines[:-1]))  # without its erasure
    assert [found.reason for found in sealed.verify().breaks]
    sealed.folder.seals.write_bytes(b"".join(lines))
    sealed.sealed().chmod(0o600)
    sealed.sealed().write_bytes(before)  # the bodies put back: the chain holds, and it is said
    assert "still there" in " ".join(sealed.verify().notes)


def test_a_crash_between_signing_an_erasure_and_putting_the_file_in_is_mended_at_the_next_start(
    sealed: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(sealed, session="se_1")
    stopped = sealer(sealed)
    monkeypatch.setattr(stopped._remover, "_put_in", lambda _: None)
    stopped.seal()
    assert b"the heron 1" in on_disk(sealed)
    assert sealed.verify().intact

    sealer(sealed)

    assert b"the heron 1" not in on_disk(sealed)
    report = sealed.verify()
    assert (report.breaks, report.notes) == ([], [])
    assert report.removed == [f"3 bodies erased by order on {datetime.now(UTC):%Y-%m-%d}"]


def test_a_file_that_cannot_be_written_anew_stays_and_the_order_stands(
    sealed: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(sealed, session="se_1")
    again = sealer(sealed)
    kept = sealed.sealed().read_bytes()
    sealed.sealed().chmod(0o600)
    sealed.sealed().write_bytes(kept[:-100])
    with pytest.raises(RemovalFailed, match="could not be erased"):
        again.seal()
    sealed.sealed().write_bytes(kept)
    again.seal()
    assert b"the heron 1" not in on_disk(sealed)


def test_files_past_their_time_are_dropped_and_the_rest_is_proved(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=1)  # a segment a record
    for number in range(4):
        journal.record_sync(said(number))
    first, closed = sealer(evidence), 0
    while closed < 4:  # the last segment is closed at the journal's next tick
        closed += len(first.seal(everything=True).segments)

    sealer(evidence, retention=timedelta(0)).seal(everything=True)
    journal.record_sync(said(5))

    assert evidence.rows("SELECT body->>'$.number' FROM records") == [["5"]]
    report = evidence.verify()
    assert report.intact, report.breaks
    assert (report.records, report.dropped) == (1, 4)
    journal.close()
    sealer(evidence).seal(everything=True)  # a new start, and the chain goes on
    assert [path.stem for path in evidence.folder.sealed_files()] == [
        evidence.rows("SELECT segment FROM records")[0][0]
    ]
    assert evidence.verify().intact


def test_what_is_younger_stays(sealed: Evidence) -> None:
    sealer(sealed, retention=timedelta(days=1)).seal()
    assert sealed.rows("SELECT count(*) FROM records") == [[9]]


def test_a_file_that_was_removed_without_a_signed_line_is_a_break(sealed: Evidence) -> None:
    sealed.sealed().unlink()
    assert not sealed.verify().intact


def test_a_dropped_line_by_another_hand_is_a_break(sealed: Evidence, tmp_path: Path) -> None:
    (tmp_path / "forger").mkdir(mode=0o700)
    forger = load_signer(tmp_path / "forger" / "evidence.key", sealed.folder.disk)
    path = str(sealed.sealed().relative_to(sealed.root))
    signed_log.append(sealed.folder.seals, {"kind": "dropped", "path": path}, forger, sealed.folder.disk)
    sealed.sealed().unlink()
    assert not sealed.verify().intact
