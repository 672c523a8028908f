"""Sealing: the order of its steps, and readers that count while it happens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import orjson
import pytest

from gateway.audit import Record, Sealer
from gateway.audit.files.folder import Folder, is_tombstone, tombstone
from gateway.audit.files.parquet import lines
from gateway.audit.files.signing import load_signer
from gateway.audit.reading.views import create_views
from gateway.audit.sealing.orders import Order, order_erasure
from gateway.audit.sealing.seal import SealingFailed
from tests.support.waiting import until
from tests.unit.audit.conftest import Evidence, decision


def count(folder: Folder) -> int:
    with duckdb.connect() as connection:
        create_views(connection, folder, question := "SELECT count(*) FROM records")
        row = connection.execute(question).fetchone()
    assert row is not None
    return int(row[0])


def test_a_closed_segment_becomes_parquet_with_every_line_verbatim(evidence: Evidence) -> None:
    journal = evidence.journal()
    texts = ["plain", 'ü \\x41 " \n \x00 😀', "1" * 5000]
    for text in texts:
        journal.record_sync(Record("gateway", model=text, body={"text": text, "big": 10**30, "float": 1e300}))
    journal.close()
    live = evidence.live().read_bytes()

    sealed = evidence.sealer().seal()

    assert sealed.segments == (evidence.live().stem,)
    assert b"".join(line + b"\n" for line in lines(evidence.sealed())) == live
    assert evidence.sealed().stat().st_mode & 0o777 == 0o400
    assert [row[0] for row in evidence.rows("SELECT model FROM records ORDER BY seq")] == texts
    assert [row[0]["text"] for row in evidence.rows("SELECT body FROM records ORDER BY seq")] == texts


def test_a_segment_that_is_being_written_is_left_alone(evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1))

    assert evidence.sealer().seal().segments == ()


def test_sealing_twice_seals_once(written: Evidence) -> None:
    sealer = written.sealer()

    assert len(sealer.seal().segments) == 1
    assert sealer.seal().segments == ()
    assert written.sealer().seal().segments == ()


def test_two_sealers_do_not_work_at_once(written: Evidence) -> None:
    one, other = written.sealer(), written.sealer()

    with one._alone() as alone:
        assert alone
        assert other.seal().busy


def test_readers_see_the_live_segment_until_the_seal_is_visible(written: Evidence) -> None:
    written.sealer(settle=3600).seal()

    written.sealed().unlink()
    assert count(written.folder) == 10


def test_readers_see_the_sealed_file_from_then_on(written: Evidence) -> None:
    written.sealer(settle=0).seal()

    written.live().write_bytes(b"")
    assert count(written.folder) == 10


def test_a_sealed_segment_is_buried_after_its_time_and_removed_by_a_much_later_start(
    written: Evidence,
) -> None:
    sealer = written.sealer(bury=0)
    sealer.seal()
    sealer.seal()
    assert is_tombstone(written.live())
    assert count(written.folder) == 10

    written.sealer()
    assert is_tombstone(written.live())
    old = time.time() - 7200
    os.utime(written.live(), (old, old))
    written.sealer()
    assert written.folder.live_files() == []
    assert count(written.folder) == 10
    assert written.verify().intact


def test_a_reader_that_comes_too_late_for_the_live_segment_is_told(written: Evidence) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    written.live().write_bytes(tombstone(written.live().stem, later))

    with pytest.raises(duckdb.Error, match="sealed while this query ran"):
        count(written.folder)


def test_small_segments_wait_for_each_other_and_share_a_file(evidence: Evidence) -> None:
    """A command leaves a segment of a record or two; a file each would slow every query down."""
    for number in range(5):
        journal = evidence.journal()
        journal.record_sync(decision(number))
        journal.close()
    sealer = evidence.sealer(gather=3600)

    assert sealer.seal().segments == ()
    assert len(sealer.seal(everything=True).segments) == 5
    assert len(evidence.folder.sealed_files()) == 1
    assert count(evidence.folder) == 5
    report = evidence.verify()
    assert (report.intact, report.records, report.segments, report.chains) == (True, 5, 5, 5)


def test_a_large_segment_takes_the_small_one_before_it_along(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=1)
    journal.record_sync(decision(0))
    journal.record_sync(decision(1, body={"text": "x" * 1_100_000}))
    journal.record_sync(decision(2))

    sealed = evidence.sealer(gather=3600).seal()

    assert sealed.segments == (f"{journal.writer}-000001", f"{journal.writer}-000002")
    assert len(evidence.folder.sealed_files()) == 2


def test_what_follows_a_broken_segment_stays_with_it(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=1)
    for number in range(3):
        journal.record_sync(decision(number))
    journal.close()
    first = evidence.folder.live_files()[0]
    first.write_bytes(first.read_bytes().replace(b'"number":0', b'"number":1'))
    sealer = evidence.sealer()

    for _ in range(2):
        sealed = sealer.seal()
        assert (sealed.segments, list(sealed.refused or ())) == ((), [first.stem])
    assert count(evidence.folder) == 3


def test_a_file_that_cannot_be_written_now_is_tried_again(written: Evidence) -> None:
    sealer = written.sealer()
    (written.folder.draft(written.live().stem)).mkdir()
    with pytest.raises(SealingFailed, match="directory"):
        sealer.seal()

    (written.folder.draft(written.live().stem)).rmdir()
    assert sealer.seal().segments == (written.live().stem,)


def test_a_broken_segment_is_not_sealed_and_the_others_are(written: Evidence) -> None:
    broken = written.live()
    broken.write_bytes(broken.read_bytes().replace(b'"number":4', b'"number":5'))
    other = written.journal()
    other.record_sync(decision(1))
    other.close()

    sealed = written.sealer().seal()

    assert [name.partition("-")[0] for name in sealed.segments] == [other.writer]
    assert sealed.refused == {broken.stem: "line 5: its body was changed"}
    assert count(written.folder) == 11


def test_a_torn_segment_waits_for_a_start_of_the_journal(written: Evidence) -> None:
    with written.live().open("ab") as file:
        file.write(b'{"torn')
    sealer = written.sealer()
    assert sealer.seal().segments == ()

    written.journal().close()
    assert len(sealer.seal().segments) == 2


def test_a_crash_between_rename_and_seal_is_made_good(written: Evidence) -> None:
    sealer = written.sealer()
    sealer.seal()
    written.folder.seals.write_bytes(b"")

    assert count(written.folder) == 10
    assert len(sealer.seal().segments) == 1
    assert count(written.folder) == 10
    assert written.verify().intact


def test_an_old_seal_line_cut_short_by_a_crash_does_not_spoil_the_next(written: Evidence) -> None:
    with written.folder.seals.open("ab") as file:
        file.write(b'{"kind":"seal","segment":"x')
    written.sealer().seal()

    (line,) = written.folder.seals.read_bytes().splitlines()
    assert orjson.loads(line)["segments"][0]["last_seq"] == 10


def test_a_spoilt_seal_stops_the_sealer_before_it_seals_anything_twice(written: Evidence) -> None:
    sealer = written.sealer()
    sealer.seal()
    written.folder.seals.write_bytes(b"nonsense\n")

    with pytest.raises(SealingFailed, match=r"seals\.ndjson"):
        sealer.seal()


async def test_a_failing_pass_is_tried_again(written: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    sealer = written.sealer()
    passes: list[int] = []
    real = Sealer.seal

    def failing_once(self: Sealer) -> object:
        passes.append(1)
        if len(passes) == 1:
            raise OSError(28, "No space left on device")
        return real(self)

    monkeypatch.setattr(Sealer, "seal", failing_once)
    task = asyncio.create_task(sealer.run(0.01))
    while len(passes) < 3:  # noqa: ASYNC110 - the pass runs in a thread
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(written.folder.sealed_files()) == 1


_WRITER = """
import sys, time
from pathlib import Path
from gateway.audit import (Journal, Record, new_writer)
root, key, acknowledged = map(Path, sys.argv[1:4])
journal = Journal(root, new_writer(), key=key, segment_bytes=40_000)
journal.start()
with acknowledged.open("a", buffering=1) as file:
    for number in range(int(sys.argv[4])):
        name = f"{journal.writer}-{number}"
        journal.record_sync(Record("decision", exchange_id=name, action="allow", agent="busy", body={"a": 1}))
        file.write(f"{journal.writer}-{number}\\n")
        time.sleep(0.002)
journal.close()
"""


def start_writer(evidence: Evidence, acknowledged: Path, records: int) -> subprocess.Popen[bytes]:
    arguments = [str(evidence.root), str(evidence.key), str(acknowledged), str(records)]
    return subprocess.Popen([sys.executable, "-c", _WRITER, *arguments])


_READER = """
import sys, time
from pathlib import Path
import duckdb
database, stop, *acknowledged = map(Path, sys.argv[1:])
checked = 0
while not stop.exists():
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute("SET enable_progress_bar = false")  # a slow query draws it into our answer
        for _ in range(5):
            before = sum(path.read_bytes().count(b"\\n") for path in acknowledged)
            rows = connection.execute(
                "SELECT count(*), count(DISTINCT seq), coalesce(max(seq), 0) FROM records GROUP BY writer"
            ).fetchall()
            assert sum(row[0] for row in rows) >= before, (rows, before)
            assert all(total == distinct == last for total, distinct, last in rows), rows
            checked += 1
print(checked)
"""


def duckdb_2() -> dict[str, str]:
    """An environment whose `import duckdb` is the newer line, which `make test` puts beside ours."""
    folder = Path(sys.prefix) / "duckdb-2"
    assert folder.is_dir(), "expected DuckDB 2 beside the locked one: run make test once"
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_every_count_of_every_reader_is_exact_while_processes_write_seal_and_erase(
    evidence: Evidence, tmp_path: Path
) -> None:
    """Every query sees at least what was durable before it, no record twice, and no gap in a chain.

    The readers are stock DuckDB, of both lines.
    """
    acknowledged = [tmp_path / f"acknowledged-{place}" for place in range(2)]
    for path in acknowledged:
        path.touch()
    sealer = evidence.sealer(settle=0.5, bury=0.5, published=True)
    writers = [start_writer(evidence, path, 500) for path in acknowledged]
    stop = tmp_path / "stop"
    arguments = [str(path) for path in (evidence.folder.database, stop, *acknowledged)]
    readers = [
        subprocess.Popen([sys.executable, "-c", _READER, *arguments], stdout=subprocess.PIPE, env=environment)
        for environment in (None, None, duckdb_2())
    ]
    sealed: list[str] = []
    erased = "SELECT count(*) > 0 FROM records WHERE body IS NULL"
    signer, order = load_signer(evidence.key, evidence.folder.disk), None
    try:
        while any(writer.poll() is None for writer in writers):
            sealed += sealer.seal().segments
            if order is None and len(sealed) > 2:  # files are written anew under the readers' eyes
                order = order_erasure(evidence.folder, signer, Order(agent="busy"), datetime.now(UTC))

        def is_erased() -> bool:
            sealed.extend(sealer.seal().segments)
            return evidence.rows(erased) == [[True]]

        assert order is not None
        until(is_erased)
    finally:
        stop.touch()
        checked = [int(reader.communicate()[0] or 0) for reader in readers]
        for writer in writers:
            writer.wait()

    assert [process.returncode for process in (*writers, *readers)] == [0] * 5
    assert min(checked) > 3
    assert len(sealed) > 4
    assert count(evidence.folder) == 1000
    assert evidence.rows(erased) == [[True]]
    report = evidence.verify()
    assert (report.intact, report.records) == (True, 1000)


def test_a_killed_writer_leaves_evidence_that_is_whole_sealable_and_provable(
    evidence: Evidence, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    writer = start_writer(evidence, acknowledged, 100_000)
    while acknowledged.read_bytes().count(b"\n") < 200:
        time.sleep(0.02)
    writer.kill()
    writer.wait()

    report = evidence.verify()
    assert report.intact
    durable = set(acknowledged.read_text().split())
    found = {row[0] for row in evidence.rows("SELECT exchange_id FROM decisions")}
    assert durable <= found

    restarted = evidence.journal()
    restarted.record_sync(decision(1))
    restarted.close()
    evidence.sealer().seal()
    seals = [orjson.loads(line) for line in evidence.folder.seals.read_bytes().splitlines()]
    assert sorted(held["segment"] for seal in seals for held in seal["segments"]) == [
        path.stem for path in evidence.folder.live_files()
    ]
    report = evidence.verify()
    assert (report.intact, report.chains, report.unsigned) == (True, 2, 0)
