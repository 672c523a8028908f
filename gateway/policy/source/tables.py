"""Tables: data of any size that rules look things up in, beside the policy, with revisions of their own.

`users.json` in the folder is `data.tables.users`; so are `users.yaml` and `users.csv`. `users.schema.json`
says what the table must be. A table is no part of the policy's revision: an edit makes nothing new.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jsonschema.exceptions import SchemaError

from gateway.errors import ConfigError
from gateway.policy.source.data import parse_document, to_json
from gateway.policy.source.files import print_of, read_plain
from gateway.policy.source.settings import first_fault

SCHEMA = ".schema.json"
_KINDS = (".json", ".yaml", ".yml", ".csv")
_ABOUT = (".md", ".txt")
NAME = "[a-z][a-z0-9_]{0,62}"
REVISIONS = "_revisions"
_NAME = re.compile(NAME)
_MOST_BYTES = 64 * 1024 * 1024  # of one file
_NO_REVISIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tables:
    """What `data.tables` is, in JSON, and the revision of each table: a digest of its file.

    `_revisions` in it names them for the engine, which says with each decision what it decided by.
    `issued_at` is when the bundle that they are from was made, None for those of a folder.
    """

    revisions: Mapping[str, str] = field(default_factory=lambda: _NO_REVISIONS)
    content: bytes = field(default=b'{"_revisions":{}}', repr=False)
    issued_at: datetime | None = None

    @property
    def document(self) -> bytes:
        """The data with `tables` in them, in JSON."""
        return b'{"tables":' + self.content + b"}"

    def too_old(self, seconds: float) -> str:
        """Return what is wrong when they were issued more seconds ago than this, "" if not; 0: no limit."""
        longest, issued = timedelta(seconds=seconds), self.issued_at
        if not longest or not issued or datetime.now(UTC) - issued <= longest:
            return ""
        return f"the tables were issued at {issued.isoformat()}, which is more than {seconds:g} s ago"


NO_TABLES = Tables()


def read_tables(folder: Path) -> Tables:
    """Read every table of a folder; a folder that is not there has none.

    Raises ConfigError, with the file, on whatever is no table, or not what its schema says.
    """
    tables: dict[str, Any] = {}
    revisions: dict[str, str] = {}
    for path in table_files(folder):
        name = path.name.partition(".")[0]
        content, schema = _bytes(path), path.with_name(name + SCHEMA)
        if name in tables:
            raise ConfigError(f"{path}: another file is the table {name} too")
        tables[name] = _parsed(path, _text(path, content))
        if schema.exists():
            _check(path, tables[name], schema)
        revisions[name] = hashlib.sha256(content).hexdigest()[:32]
    if not tables:
        return NO_TABLES
    return Tables(revisions, to_json({**tables, REVISIONS: revisions}))


def table_files(folder: Path) -> list[Path]:
    """Return the tables of the folder. Raises ConfigError on a file that is neither one nor a schema."""
    found: list[Path] = []
    for path in _listed(folder):
        name, _, kind = path.name.partition(".")
        is_schema = path.name.endswith(SCHEMA)
        if not _NAME.fullmatch(name) or not (is_schema or f".{kind}" in _KINDS):
            raise ConfigError(
                f"{path}: expected a table called NAME.json, NAME.yaml or NAME.csv, or NAME{SCHEMA}; "
                "a name has lower-case letters, digits and underscores"
            )
        if not is_schema:
            found.append(path)
    return found


def prints(folder: Path) -> Iterator[tuple[object, ...]]:
    """Yield what changes when a table or a schema does, without reading it."""
    for path in _listed(folder):
        try:
            yield str(path), *print_of(path.stat())
        except OSError:  # it went away meanwhile: the next look is different again
            continue


def _listed(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}") from error
    return [path for path in paths if not path.name.startswith(".") and path.suffix.lower() not in _ABOUT]


def _bytes(path: Path) -> bytes:
    try:
        return read_plain(path, _MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text") from error


def _parsed(path: Path, text: str) -> Any:
    document = _rows(path, text) if path.suffix == ".csv" else parse_document(path, text)
    if not isinstance(document, (dict, list)):
        raise ConfigError(f"{path}: expected a mapping or a list")
    return document


def _rows(path: Path, text: str) -> dict[str, dict[str, str]]:
    """Return the rows by the text in their first column; the first row has the names of the columns."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        if not header or "" in header or len(set(header)) < len(header):
            raise ConfigError(f"{path}:1: expected a name for each column, and each once")
        found: dict[str, dict[str, str]] = {}
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ConfigError(f"{path}:{rows.line_num}: found {len(row)} columns, expected {len(header)}")
            if row[0] in found:
                raise ConfigError(f"{path}:{rows.line_num}: another row begins with the same {header[0]}")
            found[row[0]] = dict(zip(header[1:], row[1:], strict=True))
    except csv.Error as error:
        raise ConfigError(f"{path}:{rows.line_num}: not valid CSV: {error}") from error
    return found


def _check(path: Path, table: Any, schema_path: Path) -> None:
    """Raise ConfigError where the table is not what its schema says."""
    schema = parse_document(schema_path, _text(schema_path, _bytes(schema_path)))
    try:
        fault = first_fault(table, schema)
    except SchemaError as error:
        raise ConfigError(f"{schema_path}: this is no JSON Schema: {error.message[:300]}") from error
    if fault:
        raise ConfigError(f"{path}: {fault}; expected what {schema_path.name} says")
