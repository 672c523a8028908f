"""Makes the views that evidence is read through: in a connection, or in a file for other tools."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

import duckdb

from gateway.audit.files.folder import Folder
from gateway.audit.files.literal import literal
from gateway.audit.reading.columns import STORED
from gateway.audit.reading.described import VIEWS
from gateway.audit.reading.live_and_sealed import RECORD_TYPES, every_record
from gateway.audit.reading.schema import comments
from gateway.audit.reading.view_sql import selects

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

_MARK = "views of "  # and a folder: the schema that tells a database of these views


def view_statements(root_sql: str, names: Collection[str] = tuple(VIEWS), unless: str = "") -> Iterator[str]:
    """Yield the statements that make the views, in order, for the audit folder that the SQL expression names.

    `unless` is a SELECT that fails when the views may not answer.
    DuckDB looks into the files for each view that is made over the stored records, so an empty table stands
    in their place meanwhile: that takes a third of the time.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in RECORD_TYPES.items())
    yield "CREATE SCHEMA stored"
    yield f"CREATE TABLE {STORED} ({columns})"
    for name, select in selects(root_sql, unless).items():
        if name in names:
            yield f"CREATE VIEW {name} AS {select}"
    yield f"DROP TABLE {STORED}"
    yield f"CREATE VIEW {STORED} AS {every_record(root_sql, unless)}"


def create_views(connection: duckdb.DuckDBPyConnection, folder: Folder, question: str = "") -> None:
    """Make the views in a connection of the product's own; with a `question`, those that its SQL may read."""
    for statement in view_statements(literal(str(folder.root)), views_for(question)):
        connection.execute(statement)


def views_for(question: str) -> Collection[str]:
    """Return the views that SQL names; all where it names none.

    DuckDB looks into the files for each view that is made, which takes longer than most questions.
    """
    text = question.lower()
    needed = {name for name in VIEWS if name in text}
    return needed if needed and not any(word in text for word in _CATALOG) else set(VIEWS)


def view_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each view with their types, in order."""
    found = connection.execute("""
        SELECT table_name, list((column_name, data_type) ORDER BY column_index)
        FROM duckdb_columns()
        WHERE NOT internal AND database_name = current_database() AND schema_name = 'main' GROUP BY ALL
    """).fetchall()
    return dict(found)


def publish(folder: Folder) -> None:
    """Write `audit.duckdb` whole: views only, for other tools to open read-only.

    Its paths are absolute: DuckDB takes no other. So its views fail where no database is open at the place
    that it was written to, or a copy beside it: the copy would answer from the folder that it was copied
    from. `SET VARIABLE audit = '/elsewhere/audit'` reads that folder, wherever the one file with views is.
    """
    made = folder.database.with_suffix(".aside")
    made.unlink(missing_ok=True)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute(f"ATTACH {literal(str(made))} AS published (STORAGE_VERSION 'v1.0.0')")
        connection.execute("USE published")
        connection.execute("BEGIN")
        root = f"coalesce(getvariable('audit')::VARCHAR, {literal(str(folder.root))})"
        connection.execute(f'CREATE SCHEMA "{_mark(folder).replace(chr(34), 2 * chr(34))}"')
        for statement in view_statements(root, unless=_elsewhere(folder)):
            connection.execute(statement)
        connection.execute(";".join(comments(view_columns(connection))))
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


def _elsewhere(folder: Folder) -> str:
    """Return the SELECT that fails where the views may read another folder than the one that they are in.

    A view does not learn which database it is in. So no copy may be open beside the database that is being
    written, which says the same of itself: a schema without content names the folder in both.
    """
    places = {str(folder.database), str(folder.database.resolve())}
    copied = literal(
        f"this is a copy of {folder.database}, whose views would answer from there: "
        "run regate audit open on the copy's folder, or SET VARIABLE audit to it; open: "
    )
    beside = literal(
        f"{folder.database} and a copy of it are open, whose views would all answer from one folder: "
        "run regate audit open on the copy's folder, or open one at a time; open: "
    )
    moved = literal(
        "the variable audit would have the views of each of these read one folder: open one; open: "
    )
    return f"""
        SELECT error(why || list_aggregate(paths, 'string_agg', ', ')) FROM (
            SELECT CASE
                WHEN getvariable('audit') IS NOT NULL THEN CASE WHEN len(marks) > 1 THEN {moved} END
                WHEN NOT list_has_any(paths, [{", ".join(map(literal, sorted(places)))}]) THEN {copied}
                WHEN len(list_filter(marks, lambda mark: mark = {literal(_mark(folder))})) > 1 THEN {beside}
                END AS why, paths
            FROM (SELECT coalesce(list(path) FILTER (path IS NOT NULL), []) AS paths FROM duckdb_databases()),
                (SELECT coalesce(list(schema_name), []) AS marks FROM duckdb_schemas()
                 WHERE starts_with(schema_name, {literal(_MARK)})))
        WHERE why IS NOT NULL
    """  # noqa: S608 - quoted paths


def _mark(folder: Folder) -> str:
    return f"{_MARK}{folder.root}"
