"""The child process of one SQL query: confined first, then it parses, runs and streams one SELECT.

    python sandbox.py < request

The request is a JSON object on standard input; the answer goes to standard output as JSON lines: the columns
as [[name, type]…], each row as an array, `{"rows": n}` at the end; or `{"refused": why}`, `{"failed": why}`.

Kernel limits, Landlock and DuckDB's own settings each close what the others leave open.
"""

from __future__ import annotations

import os
import resource
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import orjson
import pytz

from gateway.audit.files.folder import Folder
from gateway.audit.files.literal import literal
from gateway.audit.reading.landlock import confine
from gateway.audit.reading.views import create_views

_ROWS_AT_A_TIME = 256
_ROW_GROUP_BYTES = 32 * 1024 * 1024  # a row group waits in memory: by rows, long prompts would fill it


class Refused(ValueError):
    """A statement that may not run here."""


def main() -> None:
    """Answer the one request on standard input."""
    request = orjson.loads(sys.stdin.buffer.read())
    pytz.timezone("UTC")  # read its files while they can be read
    folder = Folder(Path(request["root"]))
    output = Path(request["parquet"]) if request["parquet"] else None
    spill = Path(request["spill"]) if request["spill"] else None
    _limit(request["limits"])
    if not output:  # an answer may be larger; what is spilled, DuckDB bounds as well
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limits"]["spill"],) * 2)
    writable = [place for place in (output and output.parent, spill) if place]
    confine([folder.journal, folder.sealed, folder.seals, folder.checkpoints, *_system()], writable)
    try:
        with _open(folder, request, output, spill) as connection:
            _answer(connection, request, output)
    except Refused as error:
        _say({"refused": str(error)})
    except (duckdb.Error, MemoryError) as error:
        _say({"failed": str(error) or "out of memory"})
    sys.stdout.buffer.flush()


def select_only(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return the statement, if it is exactly one and reads only. Raises Refused, duckdb.Error."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused(f"expected exactly one statement, found {len(statements)}")
    # EXPLAIN is another type: it can wrap a COPY
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(f"expected a SELECT, found {statements[0].type.name}")
    return statements[0]


def _limit(limits: dict[str, int]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits["address_space"], limits["address_space"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"] + 1, limits["seconds"] + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _system() -> list[Path]:
    """Return the files that DuckDB reads at its start to learn the memory limit: without them it aborts."""
    return [path for path in (Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")) if path.exists()]


def _open(
    folder: Folder, request: dict[str, Any], output: Path | None, spill: Path | None
) -> duckdb.DuckDBPyConnection:
    limits = request["limits"]
    # confined already: a thread that is older than the confinement would not be
    connection = duckdb.connect(config={"threads": 1, "memory_limit": f"{limits['memory'] // 2**20}MiB"})
    connection.execute("SET TimeZone = 'UTC'")
    create_views(connection, folder, request["sql"])
    directories = [f"{folder.journal}/", f"{folder.sealed}/", *([f"{output.parent}/"] if output else [])]
    for name, value in (
        ("allowed_directories", _list(directories)),
        ("allowed_paths", _list([str(folder.seals), str(folder.checkpoints)])),
        ("temp_directory", literal(str(spill or ""))),
        ("max_temp_directory_size", f"'{limits['spill']} bytes'"),
        ("enable_progress_bar", "false"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("allow_community_extensions", "false"),
        ("allow_persistent_secrets", "false"),
        ("python_enable_replacements", "false"),
        ("max_expression_depth", "250"),
        # strings that lie in a file's pages do not count for it: by default some 60,000 rows wait
        ("streaming_buffer_size", "'32KiB'"),
        # lets Parquet row groups end by size; the one thread keeps the order anyway
        ("preserve_insertion_order", "false" if output else "true"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        connection.execute(f"SET {name} = {value}")
    return connection


def _answer(connection: duckdb.DuckDBPyConnection, request: dict[str, Any], output: Path | None) -> None:
    statement = select_only(connection, request["sql"])
    if output:
        relation = connection.query(statement.query, params=request["parameters"] or None)
        relation.write_parquet(str(output), compression="zstd", row_group_size_bytes=_ROW_GROUP_BYTES)
        _say([[name, str(kind)] for name, kind in zip(relation.columns, relation.types, strict=True)])
        _say({"rows": -1})
        return
    cursor = connection.execute(statement, request["parameters"] or None)
    columns = [(str(column[0]), str(column[1])) for column in cursor.description or ()]
    _say(columns)
    count = 0
    while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
        count += len(rows)
        for row in rows:
            _say([_plain(value, kind) for value, (_, kind) in zip(row, columns, strict=True)])
    _say({"rows": count})


def _say(message: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS) + b"\n")


def _plain(value: Any, kind: str = "") -> Any:
    """Return a value of DuckDB's as JSON has it; a value without a JSON form becomes text."""
    match value:
        case None | bool() | float():
            return str(value) if isinstance(value, float) and (value - value) != 0 else value
        case str():
            return orjson.Fragment(value) if kind == "JSON" else value
        case int() | Decimal():
            return orjson.Fragment(str(value))
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case timedelta() | UUID():
            return str(value)
        case bytes():
            return value.hex()
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return str(value)


def _list(values: list[str]) -> str:
    return "[" + ", ".join(map(literal, values)) + "]"


if __name__ == "__main__":
    os.umask(0o077)
    main()
