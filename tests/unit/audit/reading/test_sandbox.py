"""What may run in the sandbox of queries."""

from __future__ import annotations

import duckdb
import pytest

from gateway.audit.reading.sandbox import Refused, select_only


@pytest.mark.parametrize("sql", ["SELECT 1", "select 1;", "WITH a AS (SELECT 1) FROM a", "FROM range(3)"])
def test_one_select_may_run(sql: str) -> None:
    """In any of its spellings."""
    with duckdb.connect() as connection:
        assert select_only(connection, sql).type == duckdb.StatementType.SELECT


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO 'x.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "SET threads = 8",
        "CREATE TABLE a (b INT)",
        "INSTALL httpfs",
    ],
)
def test_anything_else_is_refused(sql: str) -> None:
    """The refusal says what was expected."""
    with duckdb.connect() as connection, pytest.raises(Refused, match="expected"):
        select_only(connection, sql)
