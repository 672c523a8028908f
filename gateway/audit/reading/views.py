"""Makes the views that evidence is read through: in a connection, or in a file for other tools."""

from __future__ import annotations

import os
from collections.abc import Iterator

import duckdb

from gateway.audit.files.folder import Folder
from gateway.audit.files.literal import literal
from gateway.audit.reading.live_and_sealed import every_record
from gateway.audit.reading.schema import comments
from gateway.audit.reading.view_sql import SELECTS


def view_statements(root_sql: str) -> Iterator[str]:
    """Yield CREATE VIEW statements in order, for the audit folder that the SQL expression names."""
    yield f"CREATE VIEW records AS {every_record(root_sql)}"
    for name, select in SELECTS.items():
        yield f"CREATE VIEW {name} AS {select}"


def create_views(connection: duckdb.DuckDBPyConnection, folder: Folder) -> None:
    """Make the views in a connection of the product's own."""
    for statement in view_statements(literal(str(folder.root))):
        connection.execute(statement)


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
