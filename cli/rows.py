"""How a query's rows reach a terminal, a pipe or a file."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import typer

from cli.screen import Spelled, line, spelled
from gateway.audit.reading import Result
from gateway.errors import ConfigError, RegateError
from gateway.processes import draft

_TABLE_ROWS = 1000
_WIDEST = 10_000  # characters of a table, where a pipe takes it
_FORMULA, _BREAK = tuple("=+-@"), tuple("\t\r\n")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    VERTICAL = "vertical"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def write_rows(result: Result, form: Format, file: TextIO) -> None:
    """Write every row as it comes; a table ends after a thousand, and says so.

    A table that is wider than the terminal is written vertically: no cell is cut.
    """
    match form:
        case Format.CSV:
            # a file keeps the lines of a text, quoted
            said, end = (line, "\n") if file.isatty() else (spelled, "\r\n")
            writer = csv.writer(file, lineterminator=end)
            writer.writerow([said(inert(name)) for name in result.columns])
            writer.writerows([said(inert(_cell(value))) for value in row] for row in result.rows)
        case Format.JSON:
            _write_json(result, file)
        case _:
            _write_table(result, file, vertical=form is Format.VERTICAL)


@contextmanager
def text_output(out: Path | None) -> Iterator[TextIO]:
    """Open a file for text that only its owner may read, or standard output. Raises ConfigError."""
    if out is None:
        yield sys.stdout
        return
    with open(_private(out), "w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def binary_output(out: Path | None) -> Iterator[BinaryIO]:
    """Open a file for bytes that only its owner may read, or standard output. Raises ConfigError."""
    if out is None:
        yield sys.stdout.buffer
        return
    with open(_private(out), "wb") as file:
        yield file


@contextmanager
def whole_file(out: Path | None) -> Iterator[BinaryIO]:
    """Open a file for bytes, or standard output. The file appears once the block came to its end, and
    only its owner may read it. Raises ConfigError.
    """
    if out is None:
        yield cast(BinaryIO, Spelled()) if sys.stdout.isatty() else sys.stdout.buffer
        return
    begun = False
    try:
        with draft(out, 0o600, durable=False) as file:
            begun = True
            yield file
    except OSError as error:
        failure = RegateError if begun else ConfigError
        raise failure(f"{out}: cannot be written: {error.strerror}") from error


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one.

    A plain number stays one. See OWASP, CSV injection.
    """
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])  # ＝ and ﹦ are =
    begins = cell.startswith(_BREAK) or first.startswith(_FORMULA)
    return f"'{cell}" if begins and not _NUMBER.fullmatch(cell) else cell


def _private(out: Path) -> int:
    """Open a file to write, emptied and for its owner alone. Raises ConfigError."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):  # not a pipe or a terminal that is named so
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    return descriptor


def _write_json(result: Result, file: TextIO) -> None:
    """Write an array of objects, a row a line."""
    opening = "["
    for row in result.rows:
        record = dict(zip(result.columns, row, strict=True))
        file.write(f"{opening}\n{spelled(json.dumps(record, ensure_ascii=False))}")
        opening = ","
    file.write("[]\n" if opening == "[" else "\n]\n")


def _write_table(result: Result, file: TextIO, *, vertical: bool) -> None:
    from rich.console import Console  # here: scripts ask for no table
    from rich.table import Table
    from rich.text import Text

    names = [line(name) for name in result.columns]
    rows = [[line(_cell(value)) for value in row] for row in itertools.islice(result.rows, _TABLE_ROWS)]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(Text(name))
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(file=file, width=None if file.isatty() else _WIDEST)
    wanted = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
    if vertical or wanted > console.width:
        _write_records(names, rows, file)
    else:
        console.print(table)
    if next(result.rows, None) is not None:
        typer.echo(f"the first {_TABLE_ROWS} rows; --format csv gives all", err=True)


def _write_records(names: Sequence[str], rows: Sequence[Sequence[str]], file: TextIO) -> None:
    """Write a line for each cell, and one before each row with its number."""
    width = max(map(len, names), default=0)
    for number, row in enumerate(rows, 1):
        print(f"-- {number}", file=file)
        for name, cell in zip(names, row, strict=True):
            print(f"{name:<{width}}  {cell}".rstrip(), file=file)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
