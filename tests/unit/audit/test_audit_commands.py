"""`regate audit` and `regate sessions`, as a script runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import time
from pathlib import Path

import duckdb
import pytest

from gateway.audit import Record
from tests.support import prefork
from tests.unit.audit.conftest import Evidence, decision

PROJECT = Path(__file__).parents[3]


class Command:
    """The command line in the folder of a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.joinpath("regate.yaml").write_text(
            "providers: {demo: {family: openai, base_url: 'builtin:demo'}}\n", encoding="utf-8"
        )

    def start(self, *arguments: str, **pipes: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefork.program(), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
        )

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return out if code == 0 else out + err


@pytest.fixture
def regate(evidence: Evidence, tmp_path: Path) -> Command:
    """The test's evidence folder is the one that the configuration names."""
    return Command(tmp_path)


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
    seqs = "select seq from records where code <> 'evidence_queried' order by 1"
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


def test_verify_is_0_when_intact_and_1_when_broken(regate: Command, written: Evidence) -> None:
    assert "intact: 10 records" in regate("audit", "verify")
    assert json.loads(regate("audit", "verify", "--json"))["intact"] is True

    written.live().write_bytes(written.live().read_bytes().replace(b'"number":6', b'"number":7'))
    told = regate("audit", "verify", code=1)
    assert f"journal/{written.live().name}:7: record" in told
    assert "its body was changed" in told


def test_tail_begins_with_the_newest_and_follows(regate: Command, written: Evidence) -> None:
    assert [line.split()[-1] for line in regate("audit", "tail", "-n", "2").splitlines()] == ["ex_8", "ex_9"]

    journal = written.journal()
    with regate.start("audit", "tail", "-n", "1", "-f", "--json") as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["exchange_id"] == "ex_9"
        time.sleep(0.5)
        journal.record_sync(decision(77))
        assert json.loads(following.stdout.readline())["exchange_id"] == "ex_77"
        following.kill()


def test_seal_takes_what_a_dead_writer_left(regate: Command, written: Evidence) -> None:
    with written.live().open("ab") as file:
        file.write(b'{"torn')

    told = json.loads(regate("audit", "seal", "--json"))
    assert len(told["sealed"]) == 2
    assert "intact: 11 records" in regate("audit", "verify")


def test_views_lists_them_and_writes_the_database(regate: Command, written: Evidence) -> None:
    told = json.loads(regate("audit", "views", "--json"))

    assert {"sessions", "exchanges", "decisions", "reasons", "findings", "approvals", "records"} <= set(told)
    assert ["action", "ENUM('allow', 'mask', 'require_approval', 'deny')"] in told["decisions"]
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


def test_sessions_are_listed_and_shown(regate: Command, evidence: Evidence) -> None:
    journal = evidence.journal()
    parts = [
        {"role": "user", "kind": "text", "pointer": "/0", "digest": "d", "new": True, "text": "hello\x1b"}
    ]
    journal.record_sync(
        decision(
            1,
            session_id="se_x",
            action="deny",
            reasons=({"rule": "models.list", "message": "no"},),
            body={"parts": parts},
        )
    )
    journal.record_sync(
        Record(
            "refusal",
            exchange_id="ex_1",
            session_id="se_x",
            agent="billing",
            code="policy_denied",
            status=403,
        )
    )

    (listed,) = json.loads(regate("sessions", "list", "--json"))
    assert (listed["session_id"], listed["agent"], listed["denied"]) == ("se_x", "billing", 1)
    assert json.loads(regate("sessions", "list", "--agent", "other", "--json")) == []
    told = regate("sessions", "show", "se_x")
    assert "refused" in told
    assert "deny: models.list: no" in told
    assert "user: hello\N{REPLACEMENT CHARACTER}" in told
    (shown,) = json.loads(regate("sessions", "show", "se_x", "--json"))
    assert shown["parts"][0]["text"] == "hello\x1b"
    assert "no session 'nope'" in regate("sessions", "show", "nope", code=1)
