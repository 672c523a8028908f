"""Whatever is done to the evidence behind Regate's back is found and named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.verifying.report import Break
from tests.unit.audit.conftest import Evidence, decision


def lines(evidence: Evidence) -> list[bytes]:
    return evidence.live().read_bytes().splitlines(keepends=True)


def put(evidence: Evidence, changed: list[bytes]) -> None:
    evidence.live().write_bytes(b"".join(changed))


def the_break(evidence: Evidence) -> Break:
    report = evidence.verify()
    assert not report.intact
    return report.breaks[0]


def test_untouched_evidence_is_intact(written: Evidence) -> None:
    report = written.verify()

    assert (report.intact, report.records, report.segments, report.unsigned) == (True, 10, 1, 0)


def test_an_empty_folder_is_not_intact(evidence: Evidence) -> None:
    evidence.folder.prepare()

    assert "there is no evidence" in the_break(evidence).reason


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b'"action":"allow"', b'"action":"deny"', "it was changed"),
        (b'"number":3', b'"number":4', "its body was changed"),
        (b'"seq":4', b'"seq":5', "it was changed"),
        (b'"salt":"', b'"salt":"0', "it is not a whole record"),
    ],
)
def test_an_edit_is_named_by_its_record(written: Evidence, before: bytes, after: bytes, reason: str) -> None:
    changed = lines(written)
    changed[3] = changed[3].replace(before, after, 1)
    put(written, changed)

    found = the_break(written)
    assert (found.line, found.seq, found.reason) == (4, 4, reason)
    assert found.file == f"journal/{written.live().name}"


@pytest.mark.parametrize(
    ("tamper", "line", "reason"),
    [
        (lambda old: old[:3] + old[4:], 4, "missing up to record 4"),
        (lambda old: [old[1], old[0], *old[2:]], 1, "missing up to record 1"),
        (lambda old: [*old[:3], old[2], *old[3:]], 4, "record 3 stands in its place"),
        (lambda old: old[:-1], -1, "what followed was removed"),
        (lambda old: [], -1, "what followed was removed"),
    ],
    ids=["removed", "swapped", "repeated", "truncated", "emptied"],
)
def test_what_is_moved_or_missing_is_found(
    written: Evidence, tamper: Callable[[list[bytes]], list[bytes]], line: int, reason: str
) -> None:
    put(written, tamper(lines(written)))

    found = the_break(written)
    assert found.line == line
    assert reason in found.reason


def test_a_removed_segment_is_found(evidence: Evidence) -> None:
    journal = evidence.journal(segment_bytes=2000)
    for number in range(20):
        journal.record_sync(decision(number))
    journal.close()
    evidence.folder.live_files()[1].unlink()

    assert "missing up to record" in the_break(evidence).reason


def test_a_removed_chain_is_found(written: Evidence) -> None:
    written.live().unlink()

    assert "what followed was removed" in the_break(written).reason


def test_a_chain_rewritten_whole_is_not_the_one_that_was_signed(written: Evidence, tmp_path: Path) -> None:
    """A forger who knows the format can make a chain that holds in itself, but not one that was signed."""
    forged = Evidence(tmp_path / "forged")
    journal = forged.journal()
    journal.record_sync(decision(0))
    journal.close()
    target = written.live()
    line = forged.live().read_bytes().replace(journal.writer.encode(), target.stem.partition("-")[0].encode())
    from gateway.audit.files.line import GENESIS, chain
    from gateway.audit.files.record import Draft

    made = Draft(line[line.index(b'"recorded_at"') : line.index(b',"salt"')], b"0" * 64, b'"owner":""', b"{}")
    target.write_bytes(chain(made, target.stem.partition("-")[0], 1, GENESIS)[0])

    assert the_break(written).reason == "it is not the record that was signed"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_single_byte_of_a_signed_segment_can_be_changed(written: Evidence, data: st.DataObject) -> None:
    path = written.live()
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    try:
        assert not written.verify().intact
    finally:
        path.write_bytes(whole)


@pytest.fixture
def sealed(written: Evidence) -> Evidence:
    written.sealer(bury=0).seal()
    return written


def test_sealed_evidence_is_intact_before_and_after_its_burial(sealed: Evidence) -> None:
    assert sealed.verify().intact
    sealed.sealer(bury=0).seal()
    assert (sealed.verify().intact, sealed.verify().records) == (True, 10)


def rewrite(path: Path, change: str) -> None:
    """Write the Parquet file anew with `SELECT * REPLACE (change)`."""
    made = path.with_suffix(".forged")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * REPLACE ({change}) FROM '{path}') TO '{made}' (FORMAT parquet)")
    made.rename(path)


@pytest.mark.parametrize(
    ("change", "seq", "reason"),
    [
        ("if(seq = 6, 'deny', action) AS action", 6, "its columns were changed"),
        ("if(seq = 6, [], findings) AS findings", -1, "the file is not the one that was sealed"),
        (
            "if(seq = 6, replace(line, '\"number\":5', '\"number\":6'), line) AS line",
            6,
            "its body was changed",
        ),
        ("if(seq = 6, 'nothing', line) AS line", 6, "it is not a whole record"),
    ],
)
def test_an_edit_of_a_sealed_file_is_named_by_its_record(
    sealed: Evidence, change: str, seq: int, reason: str
) -> None:
    rewrite(sealed.sealed(), change)

    found = the_break(sealed)
    assert (found.seq, found.reason) == (seq, reason)
    assert found.file.startswith("sealed/date=")


def test_a_sealed_file_that_is_gone_or_nonsense_is_found(sealed: Evidence) -> None:
    path = sealed.sealed()
    path.chmod(0o600)
    path.write_bytes(b"PAR1 nonsense")
    assert "cannot be read" in the_break(sealed).reason

    path.unlink()
    assert "cannot be read" in the_break(sealed).reason


def test_a_second_file_of_a_sealed_segment_is_found(sealed: Evidence) -> None:
    other = sealed.folder.sealed / "date=2020-01-01"
    other.mkdir()
    shutil.copy(sealed.sealed(), other)

    assert the_break(sealed).reason == "a second file of a sealed segment"


def test_a_sealed_file_without_a_seal_is_found(sealed: Evidence) -> None:
    path = sealed.folder.sealed_files()[0]
    path.rename(path.with_stem("w0123456789-000001"))

    reasons = {one.file: one.reason for one in sealed.verify().breaks}
    assert "it has no seal" in reasons[f"sealed/{path.parent.name}/w0123456789-000001.parquet"]


def test_a_live_copy_changed_after_sealing_is_found(sealed: Evidence) -> None:
    changed = lines(sealed)
    put(sealed, changed[:-1])

    assert the_break(sealed).reason == "it was changed since it was sealed"


def test_a_seal_taken_away_is_found(sealed: Evidence) -> None:
    sealed.sealer(bury=0).seal()
    sealed.folder.seals.write_bytes(b"")

    assert the_break(sealed).reason == "it was sealed, but its seal is gone"


@pytest.mark.parametrize("name", ["seals.ndjson", "checkpoints.ndjson"])
def test_a_seal_or_head_changed_by_hand_is_found(sealed: Evidence, name: str) -> None:
    path = sealed.root / name
    path.write_bytes(path.read_bytes().replace(b'seq":10', b'seq":11'))

    assert the_break(sealed).reason == "its signature does not fit"


def test_a_head_signed_by_another_key_is_found(written: Evidence, tmp_path: Path) -> None:
    other = Evidence(tmp_path / "other")
    journal = other.journal()
    journal.record_sync(decision(1))
    journal.close()
    with written.folder.checkpoints.open("ab") as file:
        file.write(other.folder.checkpoints.read_bytes())

    assert "signed by the key" in the_break(written).reason


def test_without_the_public_key_nothing_is_proved(written: Evidence) -> None:
    written.key.with_suffix(".pub").unlink()

    assert "cannot be checked" in the_break(written).reason


def test_a_file_that_is_no_segment_is_found(written: Evidence) -> None:
    shutil.copy(written.live(), written.folder.journal / "more.ndjson")

    assert the_break(written).reason == "it is no writer's segment"


def test_a_torn_tail_is_a_note_and_not_a_break(written: Evidence) -> None:
    with written.live().open("ab") as file:
        file.write(b'{"torn')

    report = written.verify()
    assert report.intact
    assert report.notes == [f"{written.live().stem}: a torn tail of 6 bytes, left by a crash"]


def test_other_chains_are_proved_to_their_ends(written: Evidence) -> None:
    first = written.live()
    journal = written.journal()
    for number in range(5):
        journal.record_sync(decision(number))
    journal.close()
    first.write_bytes(first.read_bytes().replace(b'"number":0', b'"number":1'))

    report = written.verify()
    assert (len(report.breaks), report.records, report.chains) == (1, 5, 2)
    assert orjson.loads(orjson.dumps(report.document()))["breaks"][0]["seq"] == 1


def test_a_long_read_draws_no_bar_over_what_the_command_says() -> None:
    asked = "_connection().execute(\"SELECT current_setting('enable_progress_bar')\").fetchone()"
    # a program without a file, as verifying processes are, is what DuckDB takes for a terminal
    program = f"from gateway.audit.files.parquet import _connection; print({asked})"

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert told.stdout == "(False,)\n"
