"""SQL from people: one SELECT, nothing but the evidence, and an end to it."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import tempfile
import time
from pathlib import Path

import duckdb
import pytest

from gateway.audit import Record
from gateway.audit.reading.landlock import confine
from gateway.audit.reading.sql import QueryFailed, QueryLimits, QueryRefused, query, query_to_parquet
from tests.unit.audit.conftest import Evidence


def test_rows_are_plain_json(written: Evidence) -> None:
    sql = """SELECT 1, 10::HUGEINT ** 20::HUGEINT + 0, 170141183460469231731687303715884105727, 1.25,
        'nan'::DOUBLE,
        DATE '2026-11-22', {'a': [1, NULL]}, MAP {'k': 2}, '\\x41'::BLOB, NULL, true, body FROM records
        LIMIT 1"""
    with query(written.root, sql) as result:
        (row,) = result.rows

    assert row[2] == 2**127 - 1
    assert row[3:11] == [1.25, "nan", "2026-11-22", {"a": [1, None]}, {"k": 2}, "41", None, True]
    assert row[11] == {"number": 0}
    assert not any(isinstance(value, float) and math.isnan(value) for value in row)


def test_parameters_are_values_and_never_sql(written: Evidence) -> None:
    assert written.rows("SELECT count(*) FROM records WHERE agent = ?", "billing") == [[10]]
    assert written.rows("SELECT count(*) FROM records WHERE agent = ?", "' OR true --") == [[0]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO '{root}/journal/x.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{root}/journal/x.csv'",
        "EXPORT DATABASE '{root}/sealed/x'",
        "ATTACH '{root}/journal/x.db'",
        "CREATE TABLE t AS SELECT 1",
        "INSTALL httpfs",
        "SET threads = 4",
        "CALL enable_logging()",
        "PRAGMA enable_profiling",
        "PREPARE p AS SELECT 1",
        "",
    ],
)
def test_anything_but_one_select_is_refused(written: Evidence, sql: str) -> None:
    before = sorted(written.root.rglob("*"))

    with pytest.raises(QueryRefused):
        written.rows(sql.replace("{root}", str(written.root)))
    assert sorted(written.root.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('{key}')",
        "SELECT * FROM glob('{state}/*')",
        "SELECT * FROM read_parquet('https://example.com/x.parquet')",
        "SELECT * FROM '{state}/regate.db'",
        "SELECT * FROM sys.path",
        "SELECT getenv('OPENAI_API_KEY')",
        "SELECT nonsense",
    ],
)
def test_nothing_but_the_evidence_can_be_read(written: Evidence, sql: str) -> None:
    with pytest.raises(QueryFailed):
        written.rows(sql.replace("{key}", str(written.key)).replace("{state}", str(written.key.parent)))


def test_a_link_in_the_evidence_leads_nowhere_else(written: Evidence, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ndjson"
    secret.write_text('{"seq": 99, "code": "a secret"}\n')
    (written.folder.journal / "zz-000001.ndjson").symlink_to(secret)
    with pytest.raises(QueryFailed):
        written.rows("SELECT code FROM records")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b",
        "SELECT list_sum(list_transform(range(100000000), x -> x * 2)) FROM range(1000)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
    ],
)
def test_a_query_that_does_not_end_is_stopped(written: Evidence, sql: str) -> None:
    begun = time.monotonic()

    with pytest.raises(QueryFailed), query(written.root, sql, limits=QueryLimits(seconds=2)) as result:
        list(result.rows)
    assert time.monotonic() - begun < 5


def test_a_query_that_wants_all_memory_fails_alone(written: Evidence) -> None:
    with pytest.raises(QueryFailed):
        written.rows("SELECT list_sum(range(3000000000))")
    assert written.rows("SELECT 1") == [[1]]


_SORTED = "SELECT count(*) FROM (SELECT range AS n FROM range(4000000) ORDER BY hash(n)) WHERE n >= 0"
_SMALL = 32 * 1024**2


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_query_over_more_than_its_memory_goes_to_disk_and_leaves_nothing_there(
    written: Evidence, scratch: Path
) -> None:
    with query(written.root, _SORTED, limits=QueryLimits(memory=_SMALL)) as result:
        assert list(result.rows) == [[4_000_000]]
        assert [path.stat().st_mode & 0o777 for path in scratch.iterdir()] == [0o700]
    assert not list(scratch.iterdir())


def test_a_query_writes_no_more_than_it_may(written: Evidence, scratch: Path) -> None:
    limits = QueryLimits(memory=_SMALL, spill=_SMALL // 8)

    with pytest.raises(QueryFailed), query(written.root, _SORTED, limits=limits) as result:
        list(result.rows)
    assert not list(scratch.iterdir())


def test_a_query_without_a_place_on_disk_has_its_memory(written: Evidence, scratch: Path) -> None:
    scratch.rmdir()

    assert written.rows("SELECT count(*) FROM records") == [[10]]
    with (
        pytest.raises(QueryFailed, match="Out of Memory"),
        query(written.root, _SORTED, limits=QueryLimits(memory=_SMALL)) as result,
    ):
        list(result.rows)


def test_rows_are_streamed_and_a_reader_may_leave_early(written: Evidence) -> None:
    begun = time.monotonic()
    with query(written.root, "SELECT range FROM range(1000000000)") as result:
        first = [next(result.rows) for _ in range(3)]

    assert first == [[0], [1], [2]]
    assert time.monotonic() - begun < 5


def test_the_child_gets_none_of_our_environment(written: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with query(written.root, "SELECT range FROM range(1000000000)") as result:
        next(result.rows)
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        environments = []
        for child in children:
            with contextlib.suppress(OSError):  # one of an earlier test, just gone
                environments.append(Path(f"/proc/{child}/environ").read_bytes())

    assert any(b"PYTHONPATH=" in environment for environment in environments)
    assert not any(b"sk-secret" in environment for environment in environments)


def test_parquet_comes_with_its_types(written: Evidence, tmp_path: Path) -> None:
    out = io.BytesIO()
    query_to_parquet(written.root, "SELECT seq, recorded_at, findings FROM records", out)
    path = tmp_path / "rows.parquet"
    path.write_bytes(out.getvalue())

    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        assert connection.execute(f"SELECT count(*) FROM '{path}'").fetchall() == [(10,)]
    assert [row[1] for row in described][:2] == ["BIGINT", "TIMESTAMP WITH TIME ZONE"]


def test_parquet_of_a_refused_query_is_no_file(written: Evidence) -> None:
    out = io.BytesIO()
    with pytest.raises(QueryRefused):
        query_to_parquet(written.root, "COPY (SELECT 1) TO 'x'", out)
    assert out.getvalue() == b""


def test_a_query_works_before_anything_was_recorded(evidence: Evidence) -> None:
    assert evidence.rows("SELECT count(*) FROM exchanges") == [[0]]


def test_landlock_leaves_reading_what_was_given_and_nothing_else(tmp_path: Path) -> None:
    allowed, forbidden = tmp_path / "allowed", tmp_path / "forbidden"
    for folder in (allowed, forbidden):
        folder.mkdir()
        (folder / "file").write_text("text")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        confined = confine([allowed])
        tried = {"confined": confined, "read": (allowed / "file").read_text()}
        for name, attempt in (
            ("write", lambda: (allowed / "file").write_text("x")),
            ("create", lambda: (allowed / "new").touch()),
            ("remove", lambda: (allowed / "file").unlink()),
            ("read_other", lambda: (forbidden / "file").read_text()),
        ):
            try:
                attempt()
                tried[name] = "done"
            except PermissionError:
                tried[name] = "refused"
        os.write(writer, json.dumps(tried).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        tried = json.load(pipe)
    os.waitpid(child, 0)
    if not tried.pop("confined"):
        pytest.skip("this kernel has no Landlock")

    assert tried == {
        "read": "text",
        "write": "refused",
        "create": "refused",
        "remove": "refused",
        "read_other": "refused",
    }


def test_text_with_every_kind_of_character_reaches_the_reader(evidence: Evidence) -> None:
    text = '\x00\x1f\x7f\u2028 ü 😀 " \\ \n'
    journal = evidence.journal()
    journal.record_sync(Record("gateway", agent=text, body={"text": text}))

    assert evidence.rows("SELECT agent, body->>'$.text' FROM records") == [[text, text]]
