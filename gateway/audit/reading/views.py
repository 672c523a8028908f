"""Makes the views that evidence is read through: in a connection, or in a file for other tools."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

import duckdb

from gateway.audit.files.folder import Folder
from gateway.audit.files.literal import literal
from gateway.audit.reading.live_and_sealed import every_record
from gateway.audit.reading.schema import comments
from gateway.audit.reading.view_sql import SELECTS

# With one of these in it, a question may ask for views that it does not name.
_CATALOG = (
    "show",
    "describe",
    "summarize",
    "information_schema",
    "duckdb_",
    "pg_",
    "sqlite_",
    "pragma",
    "query",
)


def view_statements(root_sql: str, names: Collection[str] = tuple(SELECTS)) -> Iterator[str]:
    """Yield CREATE VIEW statements in order, for the audit folder that the SQL expression names."""
    yield f"CREATE VIEW records AS {every_record(root_sql)}"
    for name, select in SELECTS.items():
        if name in names:
            yield f"CREATE VIEW {name} AS {select}"


def create_views(connection: duckdb.DuckDBPyConnection, folder: Folder, question: str = "") -> None:
    """Make the views in a connection of the product's own; with a `question`, those that its SQL may read."""
    for statement in view_statements(literal(str(folder.root)), views_for(question)):
        connection.execute(statement)


def views_for(question: str) -> Collection[str]:
    """Return the views that SQL names, and those that they are made of; all where it names none.

    DuckDB looks into the files for each view that is made, which takes longer than most questions.
    """
    text = question.lower()
    needed = {name for name in SELECTS if name in text}
    if not (needed or "records" in text) or any(word in text for word in _CATALOG):
        return SELECTS
    for name in reversed(SELECTS):
        if name in needed:
            needed |= {other for other in SELECTS if other in SELECTS[name]}
    return needed


def view_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each view with their types, in order."""
    found = connection.execute("""
        SELECT table_name, list((column_name, data_type) ORDER BY column_index)
        FROM duckdb_columns() WHERE NOT internal AND database_name = current_database() GROUP BY ALL
    """).fetchall()
    return dict(found)


def publish(folder: Folder) -> None:
    """Write `audit.duckdb` whole: views only, for other tools to open read-only.

    Its paths are absolute; `SET VARIABLE audit = '/elsewhere/audit'` reads a copy of the folder.
    """
    made = folder.database.with_suffix(".aside")
    made.unlink(missing_ok=True)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"ATTACH {literal(str(made))} AS published (STORAGE_VERSION 'v1.0.0')")
        connection.execute("USE published")
        connection.execute("BEGIN")
        for statement in view_statements(
            f"coalesce(getvariable('audit')::VARCHAR, {literal(str(folder.root))})"
        ):
            connection.execute(statement)
        for statement in comments(view_columns(connection)):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("DETACH published")
    os.chmod(made, 0o600)
    descriptor = folder.disk.open(made, os.O_RDONLY)
    try:
        folder.disk.sync(descriptor)
    finally:
        os.close(descriptor)
    folder.disk.rename(made, folder.database)
    folder.disk.sync_folder(folder.root)
