"""The Parquet form of a segment: each line verbatim beside its typed columns."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from gateway.audit.files.disk import Disk
from gateway.audit.files.literal import literal
from gateway.audit.files.record import COLUMNS, NULLABLE

# DuckDB gives up on a larger line; ours end at 16 MiB.
MAX_OBJECT = 64 * 1024 * 1024

_SPEC = json.dumps(COLUMNS)
_NAMES = ", ".join(COLUMNS)
_PARSED = ", ".join(f"s.{name}" for name in COLUMNS)
_ROWS_AT_A_TIME = 256
# Of rows, and of a column's values that DuckDB writes once each, with a Bloom filter: an exchange has two or
# three records, so its id has such a filter, and most groups need not be read for it. Hashes have none.
_GROUP, _WORDS = 8192, 6144


def write_empty(path: Path, disk: Disk) -> None:
    """Write a Parquet file of no record; several processes may do so at once."""
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with _connection() as connection:
            _copy(connection, f"SELECT {columns}, ''::VARCHAR AS line WHERE false", draft, disk)
    except duckdb.IOException as error:
        raise OSError(str(error)) from error
    disk.rename(draft, path)
    disk.sync_folder(path.parent)


def write_segments(live: Sequence[Path], path: Path, disk: Disk) -> None:
    """Write the segments' records to a new file at `path`, in order, and sync it.

    One scan gives line and columns both, so that they cannot part. Raises duckdb.Error.
    """
    select = f"""
        SELECT {_PARSED}, line
        FROM (SELECT from_json(json, '{_SPEC}') AS s, json::VARCHAR AS line
              FROM read_ndjson_objects([{", ".join(map(_quoted, live))}], maximum_object_size={MAX_OBJECT}))
    """  # noqa: S608 - our own column names, a quoted path
    with _connection() as connection:
        _copy(connection, select, path, disk)


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a sealed segment in order, without newlines. Raises duckdb.Error."""
    with _connection() as connection:
        found = connection.execute(f"SELECT line FROM {_file(path)}")  # noqa: S608 - a quoted path
        while rows := found.fetchmany(_ROWS_AT_A_TIME):
            for (line,) in rows:
                yield line.encode()


def decisions(path: Path, since: datetime | None, decision_id: str = "") -> Iterator[bytes]:
    """Yield the lines of a sealed segment's decisions in order: one decision, or all recorded since a time.

    Only what is asked for is unpacked. Raises duckdb.Error.
    """
    query = f"""
        SELECT line FROM {_file(path)}
        WHERE kind = 'decision' AND (? = '' OR decision_id = ?) AND recorded_at >= ?::TIMESTAMPTZ
    """  # noqa: S608 - a quoted path
    with _connection() as connection:
        found = connection.execute(query, [decision_id, decision_id, _moment(since)])
        while rows := found.fetchmany(_ROWS_AT_A_TIME):
            for (line,) in rows:
                yield line.encode()


def count_decisions(path: Path, since: datetime | None) -> int:
    """Count the decisions of a sealed segment that were recorded since a time. Raises duckdb.Error."""
    query = f"""
        SELECT count(*) FROM {_file(path)} WHERE kind = 'decision' AND recorded_at >= ?::TIMESTAMPTZ
    """  # noqa: S608 - a quoted path
    with _connection() as connection:
        row = connection.execute(query, [_moment(since)]).fetchone()
    return row[0] if row else 0


def _moment(since: datetime | None) -> str:
    return (since or datetime.fromtimestamp(0, UTC)).isoformat()


def first_parted(path: Path) -> int | None:
    """Return the place (from 1) of the first record whose columns and line disagree; None when all agree."""
    query = f"""
        SELECT min(place) FROM (
            SELECT file_row_number + 1 AS place, ({_NAMES}) AS columns, from_json(line, '{_SPEC}') AS s
            FROM {_file(path, "file_row_number=true")})
        WHERE columns IS DISTINCT FROM ({_PARSED})
    """  # noqa: S608 - our own column names, a quoted path
    with _connection() as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def has_gaps(path: Path) -> bool:
    """Return whether any record has a value that its column could not hold: it is NULL there."""
    missing = " OR ".join(
        f"{name} IS NULL AND (line->>'$.{name}') IS NOT NULL" if name in NULLABLE else f"{name} IS NULL"
        for name in COLUMNS
    )
    query = f"SELECT count(*) FROM {_file(path)} WHERE {missing}"  # noqa: S608 - our own names, a quoted path
    with _connection() as connection:
        row = connection.execute(query).fetchone()
    return row is None or row[0] != 0


def _connection() -> duckdb.DuckDBPyConnection:
    """Return a new connection to this process's database, which holds nothing: to open one takes long."""
    return _database(os.getpid()).cursor()


@functools.cache
def _database(_process: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": "1GB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET enable_external_file_cache = false")  # an erasure puts another file in the place
    connection.execute("SET enable_progress_bar = false")  # in a child process it would write to the terminal
    return connection


def _copy(connection: duckdb.DuckDBPyConnection, select: str, path: Path, disk: Disk) -> None:
    connection.execute(
        f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, "
        f"ROW_GROUP_SIZE {_GROUP}, DICTIONARY_SIZE_LIMIT {_WORDS})"
    )
    descriptor = disk.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o400)
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def _file(path: Path, *options: str) -> str:
    return f"read_parquet({', '.join([_quoted(path), 'hive_partitioning=false', *options])})"


def _quoted(path: Path) -> str:
    """Return a path as an SQL string, its glob characters taken literally."""
    return literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))
