"""How a query's rows reach a terminal, a pipe or a file."""

from __future__ import annotations

import csv
import itertools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.audit.sql import Result
from gateway.errors import ConfigError, RegateError

_TABLE_ROWS = 1000


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def write_rows(result: Result, form: Format, file: TextIO) -> None:
    """Write every row as it comes; a table ends after a thousand, and says so."""
    match form:
        case Format.CSV:
            writer = csv.writer(file)
            writer.writerow(result.columns)
            writer.writerows([_cell(value) for value in row] for row in result.rows)
        case Format.JSON:
            _write_json(result, file)
        case _:
            _write_table(result, file)


def printable(text: str) -> str:
    """Without control characters: what an agent sent must not steer the terminal."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


@contextmanager
def text_output(out: Path | None) -> Iterator[TextIO]:
    """The file to write text to, or standard output. Raises ConfigError."""
    if out is None:
        yield sys.stdout
        return
    try:
        file = out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def binary_output(out: Path | None) -> Iterator[BinaryIO]:
    """The file to write bytes to, or standard output. Raises ConfigError."""
    if out is None:
        yield sys.stdout.buffer
        return
    try:
        file = out.open("wb")
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def whole_file(out: Path | None) -> Iterator[BinaryIO]:
    """The file to write bytes to, or standard output. The file appears once the block came to its end, and
    only its owner may read it. Raises ConfigError.
    """
    if out is None:
        yield sys.stdout.buffer
        return
    aside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}") from error
    try:
        with open(descriptor, "wb") as file:
            yield file
        aside.replace(out)
    except OSError as error:
        raise RegateError(f"{out}: cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)


def _write_json(result: Result, file: TextIO) -> None:
    """An array of objects, a row a line."""
    opening = "["
    for row in result.rows:
        record = dict(zip(result.columns, row, strict=True))
        file.write(f"{opening}\n{json.dumps(record, ensure_ascii=False)}")
        opening = ","
    file.write("[]\n" if opening == "[" else "\n]\n")


def _write_table(result: Result, file: TextIO) -> None:
    table = Table(*result.columns, box=None, header_style="bold", pad_edge=False)
    for row in itertools.islice(result.rows, _TABLE_ROWS):
        table.add_row(*(Text(printable(_cell(value))) for value in row))
    # a pipe has no width: nothing is cut off for it
    Console(file=file, width=None if file.isatty() else 10_000).print(table)
    if next(result.rows, None) is not None:
        typer.echo(f"the first {_TABLE_ROWS} rows; --format csv gives all", err=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
