"""`regate audit sql` and `views`, as a script runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.unit.audit.conftest import Evidence, decision
from tests.unit.cli.audit.conftest import PROJECT, Command


def test_sql_answers_while_a_gateway_writes(regate: Command, evidence: Evidence) -> None:
    journal = evidence.journal()
    journal.record_sync(decision(1))
    journal.record_sync(decision(2, action="deny"))
    sql = "select action, count(*) as n from decisions group by 1 order by 1"

    assert json.loads(regate("audit", "sql", sql, "--format", "json")) == [
        {"action": "allow", "n": 1},
        {"action": "deny", "n": 1},
    ]
    assert list(csv.reader(io.StringIO(regate("audit", "sql", sql, "--format", "csv")))) == [
        ["action", "n"],
        ["allow", "1"],
        ["deny", "1"],
    ]
    assert regate("audit", "sql", sql).split() == ["action", "n", "allow", "1", "deny", "1"]


def test_sql_writes_to_a_file(regate: Command, written: Evidence, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    regate("audit", "sql", "select seq from records", "--format", "parquet", "--out", str(out))
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT sum(seq) FROM '{out}'").fetchall() == [(55,)]

    out = tmp_path / "rows.csv"
    # the query before is on record as well
    seqs = "select seq from records where kind = 'decision' order by 1"
    regate("audit", "sql", seqs, "--format", "csv", "--out", str(out))
    assert out.read_text().split() == ["seq", *map(str, range(1, 11))]


def test_sql_that_is_refused_says_why_without_a_traceback(regate: Command, written: Evidence) -> None:
    told = regate("audit", "sql", "drop view records", code=1)

    assert told == "regate: expected a SELECT, found DROP\n"


def test_a_table_cannot_steer_the_terminal(regate: Command, evidence: Evidence) -> None:
    evidence.journal().record_sync(decision(1, model="\x1b]0;owned\x07[red]x[/red]"))

    told = regate("audit", "sql", "select model from decisions")
    assert "\x1b" not in told
    assert "[red]x[/red]" in told


def test_views_lists_them_and_writes_the_database(regate: Command, written: Evidence) -> None:
    told = json.loads(regate("audit", "views", "--json"))

    assert {"sessions", "exchanges", "decisions", "reasons", "findings", "approvals", "records"} <= set(told)
    assert ["action", "VARCHAR"] in told["decisions"]
    assert written.folder.database.exists()


def test_the_reference_is_what_the_views_are(regate: Command, written: Evidence) -> None:
    """`regate audit views --markdown > docs/reference/audit-schema.md` mends it."""
    reference = (PROJECT / "docs" / "reference" / "audit-schema.md").read_text(encoding="utf-8")
    assert regate("audit", "views", "--markdown") == reference


def test_every_client_can_read_what_a_column_means(regate: Command, written: Evidence) -> None:
    regate("audit", "views")
    with duckdb.connect(str(written.folder.database), read_only=True) as connection:
        silent = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
        assert silent == []


def test_a_question_may_come_from_a_file(regate: Command, written: Evidence, tmp_path: Path) -> None:
    question = tmp_path / "question.sql"
    question.write_text("-- how many\nselect count(*) as n from records where kind = 'decision';\n")
    assert json.loads(regate("audit", "sql", "--file", str(question), "--json")) == [{"n": 10}]
    assert "not both" in regate("audit", "sql", "select 1", "--file", str(question), code=2)
    assert "cannot be read" in regate("audit", "sql", "--file", str(tmp_path / "none.sql"), code=2)


def test_questions_are_asked_at_a_prompt_one_after_the_other(regate: Command, written: Evidence) -> None:
    """Over a pseudo-terminal, as a person does; a mistake does not end it."""
    keyboard, terminal = os.openpty()
    asking = regate.start("audit", "sql", stdin=terminal, stderr=subprocess.STDOUT)
    os.close(terminal)
    os.write(keyboard, b"select nothing\nfrom nowhere;\nselect count(*) + 7000 as n\nfrom decisions;\n\x04")
    said, _ = asking.communicate(timeout=60)
    os.close(keyboard)
    assert asking.returncode == 0
    assert "regate: " in said
    assert "nowhere" in said
    assert "7010" in said


def test_a_copied_folder_answers_from_the_copy(regate: Command, written: Evidence, tmp_path: Path) -> None:
    """Its audit.duckdb names the original; neither that nor the command reads there."""
    regate("audit", "views")
    copy = shutil.copytree(written.root, tmp_path / "copy")
    written.journal().record_sync(decision(99))
    count = "select count(*) as n from records where kind = 'decision'"

    with duckdb.connect(str(copy / "audit.duckdb"), read_only=True) as connection:
        for view in ("records", "exchanges", "contents", "seals", "writers"):
            with pytest.raises(duckdb.Error, match="this is a copy of"):
                connection.execute(f"SELECT count(*) FROM {view}")
    assert json.loads(regate("audit", "open", str(copy), count, "--json")) == [{"n": 10}]
    assert json.loads(regate("audit", "sql", count, "--json")) == [{"n": 11}]
    with duckdb.connect(str(copy / "audit.duckdb"), read_only=True) as connection:
        assert connection.execute(count).fetchall() == [(10,)]


def test_only_a_copy_is_opened(regate: Command, written: Evidence, tmp_path: Path) -> None:
    """The evidence itself is asked on record; another folder is no evidence, and stays as it is."""
    told = regate("audit", "open", str(written.root), "select 1", code=2)
    assert "not a copy, but the evidence itself" in told
    other = tmp_path / "other"
    other.mkdir()
    assert "not an audit folder" in regate("audit", "open", str(other), "select 1", code=2)
    assert list(other.iterdir()) == []
