"""Sealed files: lines verbatim beside their columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from gateway.audit import Record
from gateway.audit.files import parquet
from gateway.audit.files.disk import Disk
from gateway.audit.files.record import COLUMNS
from tests.unit.audit.conftest import Evidence


def test_lines_come_back_byte_for_byte_with_their_columns(written: Evidence, tmp_path: Path) -> None:
    """A file of two segments holds both, in order."""
    live = written.live()
    made = tmp_path / "it's [one]*.parquet"
    parquet.write_segments([live, live], made, Disk())

    assert list(parquet.lines(made)) == live.read_bytes().splitlines() * 2
    assert parquet.first_parted(made) is None
    assert not parquet.has_gaps(made)
    assert made.stat().st_mode & 0o777 == 0o400


def test_decisions_are_found_by_id_and_by_time(written: Evidence, tmp_path: Path) -> None:
    """Ten decisions of now; one has the id."""
    made = tmp_path / "made.parquet"
    parquet.write_segments([written.live()], made, Disk())
    later = datetime.now(UTC) + timedelta(hours=1)

    assert len(list(parquet.decisions(made, None))) == parquet.count_decisions(made, None) == 10
    assert len(list(parquet.decisions(made, None, "de_3"))) == 1
    assert list(parquet.decisions(made, later)) == []
    assert parquet.count_decisions(made, later) == 0


def test_a_column_that_parts_from_its_line_is_found(written: Evidence, tmp_path: Path) -> None:
    """The place is that of the record."""
    made, changed = tmp_path / "made.parquet", tmp_path / "changed.parquet"
    parquet.write_segments([written.live()], made, Disk())
    agent = "CASE seq WHEN 4 THEN 'another' ELSE agent END AS agent"
    duckdb.sql(f"COPY (SELECT * REPLACE ({agent}) FROM '{made}') TO '{changed}' (FORMAT parquet)")
    assert parquet.first_parted(changed) == 4


def test_ids_have_a_bloom_filter_and_hashes_have_none(evidence: Evidence, tmp_path: Path) -> None:
    """A query for one exchange reads few groups, however its id was drawn; three records say an id."""
    journal, made = evidence.journal(), tmp_path / "made.parquet"
    for number in range(8_192):
        journal.enqueue(Record("refusal", exchange_id=f"ex_{number * 7919 % 8191 // 3:x}"))
    journal.close()
    parquet.write_segments([evidence.live()], made, Disk())
    found = duckdb.sql(f"""
        SELECT path_in_schema, bloom_filter_length IS NOT NULL FROM parquet_metadata('{made}')
        WHERE path_in_schema IN ('exchange_id', 'hash') AND row_group_id = 0 ORDER BY 1""").fetchall()
    assert found == [("exchange_id", True), ("hash", False)]


def test_the_empty_file_has_every_column(tmp_path: Path) -> None:
    """Queries count on it."""
    path = tmp_path / "empty.parquet"
    parquet.write_empty(path, Disk())
    assert duckdb.sql(f"FROM '{path}'").columns == [*COLUMNS, "line"]
    assert list(parquet.lines(path)) == []
