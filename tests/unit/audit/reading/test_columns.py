"""What holds for every column of every view, over evidence with every kind of record."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gateway.audit.reading.described import VIEWS
from gateway.audit.reading.views import create_views, publish, view_columns
from tests.support.every_view import fill
from tests.unit.audit.conftest import Evidence

Rows = list[dict[str, Any]]


_READ_ALL = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True, config={"threads": 1}) as connection:
    connection.execute("SET TimeZone = 'UTC'")
    for view in sys.argv[2:]:
        print(view, sorted(map(repr, connection.execute(f"SELECT * FROM {view}").fetchall())))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A sealed and a live segment, each with every kind of record."""
    evidence = Evidence(tmp_path_factory.mktemp("columns"))
    for name in ("sealed", "live"):
        journal = evidence.journal()
        fill(journal, name)
        journal.close()
        if name == "sealed":
            evidence.sealer().seal()
    return evidence


@pytest.fixture(scope="module")
def asked(filled: Evidence) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        create_views(connection, filled.folder)
        yield connection


def rows(asked: duckdb.DuckDBPyConnection, view: str) -> Rows:
    found = asked.execute(f"SELECT * FROM {view}")
    names = [(column[0], str(column[1])) for column in found.description or ()]
    return [
        {name: value for (name, kind), value in zip(names, row, strict=True) if kind != "JSON"}
        for row in found.fetchall()
    ]


def stand_ins(value: Any) -> bool:
    """Return whether a value, or one inside of it, stands for one that is not known."""
    match value:
        case str() | int() | float():
            return value == "" or (value == -1 and not isinstance(value, bool))
        case datetime():
            return value.year == 1970
        case dict():
            return any(map(stand_ins, value.values()))
        case list():
            return any(map(stand_ins, value))
    return False


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_not_known_is_null(asked: duckdb.DuckDBPyConnection, view: str) -> None:
    """A sum over -1, or a count over empty texts, would be a number, and wrong."""
    found = {name for row in rows(asked, view) for name, value in row.items() if stand_ins(value)}

    assert found == set()


def test_the_evidence_holds_what_stands_for_the_unknown(asked: duckdb.DuckDBPyConnection) -> None:
    """Without it the test above would prove nothing."""
    assert {name for row in rows(asked, "stored.records") for name, value in row.items() if stand_ins(value)}


def test_a_name_has_one_type_in_all_views(asked: duckdb.DuckDBPyConnection) -> None:
    """So that a join or a union of two views compares like with like."""
    types: dict[str, set[str]] = {}
    for columns in view_columns(asked).values():
        for name, kind in columns:
            types.setdefault(name, set()).add(kind)

    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def test_no_type_is_an_enum(asked: duckdb.DuckDBPyConnection) -> None:
    """DuckDB compares one with a text as texts: 'high' would be less than 'medium'."""
    assert [kind for columns in view_columns(asked).values() for _, kind in columns if "ENUM" in kind] == []


def test_no_column_is_a_word_of_sql(asked: duckdb.DuckDBPyConnection) -> None:
    """By DuckDB's own list; and each can be asked for without quotes."""
    words = asked.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'")
    reserved = {word for (word,) in words.fetchall()}
    columns = view_columns(asked)

    assert {name for view in columns.values() for name, _ in view} & reserved == set()
    for view, names in columns.items():
        asked.execute(f"EXPLAIN SELECT {', '.join(name for name, _ in names)} FROM {view}")


def test_ranks_keep_the_order_of_words(asked: duckdb.DuckDBPyConnection) -> None:
    """Every action and severity has one."""
    low = asked.execute("SELECT DISTINCT severity, severity_rank FROM reasons").fetchall()
    ranked = asked.execute("SELECT DISTINCT action, action_rank FROM decisions ORDER BY 2").fetchall()

    assert low == [("low", 1)]
    assert ranked == [("allow", 1), ("mask", 2)]


def test_the_long_term_line_of_duckdb_reads_the_same(filled: Evidence) -> None:
    """Analysts have 1.4 (LTS) as well: each row of each view is the same."""
    older = Path(sys.prefix) / "duckdb-1.4"
    assert older.is_dir(), "expected DuckDB 1.4 beside the locked one: run make .venv/.duckdb-1.4"
    publish(filled.folder)
    command = [sys.executable, "-c", _READ_ALL, str(filled.folder.database), *VIEWS]
    said = [
        subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=True).stdout
        for more in ({}, {"PYTHONPATH": str(older)})
    ]

    assert said[0] == said[1]
    assert said[0].count("\n") == len(VIEWS)
