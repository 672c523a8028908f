"""The saved questions of docs/guides/questions.md, each asked of a history in which it has an answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from gateway.audit.files import Folder
from gateway.audit.reading import publish, query
from tests.support.history import write_history

_PAGE = (Path(__file__).parents[3] / "docs" / "guides" / "questions.md").read_text("utf-8")
_QUESTIONS = dict(
    re.findall(r"^### (.+?)\n(?:(?!^### ).)*?^```sql\n(.+?)^```", _PAGE, re.MULTILINE | re.DOTALL)
)
# The history is of now: whether now is a night is not for a test to say.
_MAY_BE_EMPTY = {"Who works at night?"}
# Asks each question in a version of DuckDB, with its own rows, pandas and Polars, which must say the same.
_CLIENT = """
import json, sys, warnings
from decimal import Decimal
warnings.simplefilter("ignore")
import duckdb, pandas, polars

def plain(rows):  # a sum of integers is a Decimal in Polars
    return sorted(
        repr([round(float(one), 9) if isinstance(one, (int, float, Decimal)) else str(one) for one in row])
        for row in rows)

with duckdb.connect(sys.argv[1], read_only=True, config={"threads": 1}) as connection:
    connection.execute("SET TimeZone = 'UTC'")
    for question, select in json.load(sys.stdin).items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {select}")
        asked = connection.table("answer")
        columns, rows = asked.columns, asked.fetchall()
        nulls = [sum(row[place] is None for row in rows) for place in range(len(columns))]
        frame, table = asked.df(), polars.DataFrame(asked)
        for found in (list(frame.columns), table.columns):
            assert found == columns, (question, found)
        for found in ([int(count) for count in frame.isna().sum()], list(table.null_count().row(0))):
            assert found == nulls, (question, found, nulls)
        words = [place for place in range(len(columns))
                 if all(isinstance(row[place], (str, int, float, type(None))) for row in rows)]
        told = ([row[place] for place in words] for row in rows)
        assert plain(told) == plain([row[place] for place in words] for row in table.rows()), question
        assert (len(frame), len(table)) == (len(rows), len(rows)), question
        print(json.dumps([question, columns, plain(rows)]))
print(duckdb.__version__)
"""
Answers = dict[str, tuple[list[str], list[str]]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("history")
    write_history(base / "audit", base / "state" / "evidence.key")
    return base / "audit"


def test_there_are_at_least_twenty_and_every_heading_has_one() -> None:
    assert len(_QUESTIONS) == len(re.findall("^### ", _PAGE, re.MULTILINE)) >= 20


@pytest.fixture(scope="module")
def locked(history: Path) -> Answers:
    """What the locked DuckDB answers."""
    publish(Folder(history))
    return asked_in(history, "1.5")


def asked_in(history: Path, version: str) -> Answers:
    beside = [Path(sys.prefix) / name for name in (f"duckdb-{version}", "dataframes")]
    for folder in beside[version == "1.5" :]:
        assert folder.is_dir(), f"expected {folder}: run make .venv/.{folder.name}"
    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, str(Folder(history).database)],
        input=json.dumps({question: select.strip().rstrip(";") for question, select in _QUESTIONS.items()}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, beside))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, told = done.stdout.splitlines()
    assert told.startswith(version)
    return {question: (columns, rows) for question, columns, rows in map(json.loads, lines)}


@pytest.mark.parametrize("version", ["1.4", "2"])
def test_every_version_answers_alike_in_rows_and_data_frames(
    history: Path, locked: Answers, version: str
) -> None:
    assert asked_in(history, version) == locked


@pytest.mark.parametrize("question", _QUESTIONS)
def test_a_question_has_an_answer(
    history: Path, locked: Answers, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the command line too, as many rows of as many columns."""
    monkeypatch.setattr("cli.audit.sql.publish", lambda folder: None)  # it is
    asked = ["audit", "open", str(history), _QUESTIONS[question], "--json"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    columns, expected = locked[question]
    assert rows or question in _MAY_BE_EMPTY
    assert len(rows) == len(expected)
    assert all(list(row) == columns for row in rows)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Did anybody approve what their own agent asked?", [[0, 1]]),
        ("Which tool calls did models ask for, and what became of them?", [["send_mail", "mask", 2]]),
        ("What does each team spend, and on which model?", [["support", "gpt-4o", 5, 4000, 0.042]]),
    ],
)
def test_an_answer_is_right(history: Path, question: str, answer: list[list[object]]) -> None:
    with query(history, _QUESTIONS[question]) as result:
        assert list(result.rows) == answer
