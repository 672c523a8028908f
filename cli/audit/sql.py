"""`regate audit sql` and `views`: the evidence asked in SQL, from the command line, a file or a prompt."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli.opened import note_reading
from cli.rows import Format, binary_output, text_output, write_rows
from gateway.audit.files import Folder
from gateway.audit.reading import (
    VIEWS,
    QueryFailed,
    QueryLimits,
    QueryRefused,
    meaning,
    publish,
    query,
    query_to_parquet,
    reference,
)
from gateway.config import config_path, load_config
from gateway.errors import ConfigError

_STATEMENT = Annotated[
    str | None,
    typer.Argument(metavar="[SELECT]", help="One SELECT over the views; none starts a prompt."),
]
_FORM = Annotated[Format, typer.Option("--format", help="How the rows are written.")]
_AS_JSON = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
_OUT = Annotated[Path | None, typer.Option(help="Write to this file and not to standard output.")]
_TIMEOUT = Annotated[int, typer.Option(min=1, help="Seconds after which the query is stopped.")]
_COLUMNS = """
    SELECT table_name, list([column_name, data_type] ORDER BY column_index)
    FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' GROUP BY 1 ORDER BY 1
"""
_KEYWORDS = [
    "select",
    "from",
    "where",
    "group",
    "by",
    "order",
    "limit",
    "having",
    "with",
    "join",
    "using",
    "on",
    "count",
    "sum",
    "distinct",
    "unnest",
]


def sql(
    statement: _STATEMENT = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the SELECT from this file; - is standard input.")
    ] = None,
    form: _FORM = Format.TABLE,
    as_json: _AS_JSON = False,
    out: _OUT = None,
    timeout: _TIMEOUT = 60,
) -> None:
    """Ask the evidence in SQL; `regate audit views` lists the views and their columns.

    Example: regate audit sql "select action, count(*) from decisions group by 1"
    """
    config, limits = load_config(config_path()), QueryLimits(seconds=timeout)
    if statement is not None and file is not None:
        raise typer.BadParameter("give a SELECT or a file that holds one, not both", param_hint="--file")
    question = _text(file) if file is not None else statement
    note = partial(note_reading, config, "evidence_queried")
    _answer(Asked(config.audit_path, note, Format.JSON if as_json else form, out, limits), question)


def open_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A copy of an audit folder.")],
    statement: _STATEMENT = None,
    form: _FORM = Format.TABLE,
    as_json: _AS_JSON = False,
    out: _OUT = None,
    timeout: _TIMEOUT = 60,
) -> None:
    """Ask a copy of an audit folder in SQL, and write its audit.duckdb anew, so that it reads the copy.

    It needs no configuration. A copy takes no records: who reads it is not written down.

    Example: regate audit open backup/audit "select count(*) from records"
    """
    copy = Folder(folder)
    _check_copy(copy)
    copy.prepare()
    publish(copy)
    form = Format.JSON if as_json else form
    _answer(Asked(copy.root, _no_note, form, out, QueryLimits(seconds=timeout)), statement)


def views(
    as_json: Annotated[bool, typer.Option("--json", help="{view: [[column, type]…]}.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference page, with what columns mean.")
    ] = False,
) -> None:
    """Write audit.duckdb anew (views only, for other DuckDB clients) and list the views with their columns.

    Example: regate audit views
    """
    folder = Folder(load_config(config_path()).audit_path)
    folder.prepare()
    publish(folder)
    found = _columns(folder.root)
    if as_json:
        typer.echo(json.dumps(found))
    elif markdown:
        typer.echo(reference(found), nl=False)
    else:
        for name, columns in found.items():
            typer.secho(f"{name}: one row {VIEWS[name].row}", bold=True)
            for column, _ in columns:
                typer.echo(f"  {column:<16} {meaning(name, column)}")
        typer.echo(f"\nduckdb -readonly {folder.database}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which folder is asked, what notes a question, and how the rows are written."""

    root: Path
    note: Callable[..., None]
    form: Format
    out: Path | None
    limits: QueryLimits


def _check_copy(folder: Folder) -> None:
    """Raise ConfigError unless this is an audit folder, and not the one whose readings are on record."""
    if not folder.seals.exists() or not folder.journal.is_dir():
        raise ConfigError(f"{folder.root}: not an audit folder; expected one with journal and seals.ndjson")
    try:
        own = load_config(config_path()).audit_path
    except ConfigError:
        return  # as on an auditor's machine
    if own.resolve() == folder.root.resolve():
        raise ConfigError(f"{folder.root}: not a copy, but the evidence itself; ask it by regate audit sql")


def _no_note(**_said: object) -> None:
    """Note nothing."""


def _answer(asked: Asked, statement: str | None) -> None:
    """Answer the SELECT, or ask for questions where there is none."""
    if statement is not None:
        _ask(asked, statement)
    elif sys.stdin.isatty():
        _prompt(asked)
    else:
        raise typer.BadParameter("expected a SELECT, or --file -", param_hint="SELECT")


def _ask(asked: Asked, statement: str) -> None:
    """Print the answer, once it is there and it is on record that it was asked for."""
    note = partial(asked.note, sql=statement)
    if asked.form is Format.PARQUET:
        if asked.out is None and sys.stdout.isatty():
            raise typer.BadParameter("Parquet is not for a terminal; name a file", param_hint="--out")
        with binary_output(asked.out) as file:
            query_to_parquet(asked.root, statement, file, limits=asked.limits, answered=note)
        return
    # the answer begins before the file is opened: a refused query leaves an older answer as it was
    with query(asked.root, statement, limits=asked.limits) as result:
        note()
        with text_output(asked.out) as file:
            write_rows(result, asked.form, file)


def _prompt(asked: Asked) -> None:
    """Ask for questions until Ctrl-D. A mistake in one is printed, and the next one asked."""
    _complete(asked.root)
    typer.echo("One SELECT over the evidence, ended by a semicolon; Tab completes, Ctrl-D leaves.")
    for statement in _statements():
        try:
            _ask(replace(asked, out=None), statement)
        except (QueryRefused, QueryFailed) as error:
            typer.echo(f"regate: {error}", err=True)


def _statements() -> Iterator[str]:
    """Yield what is typed, up to each semicolon at the end of a line. Ctrl-C drops what was begun."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input("regate> " if not lines else "    ...> "))
        except KeyboardInterrupt:
            typer.echo()
            lines = []
            continue
        except EOFError:
            typer.echo()
            return
        if lines[-1].rstrip().endswith(";"):
            yield "\n".join(lines)
            lines = []
        elif not "".join(lines).strip():
            lines = []


def _complete(root: Path) -> None:
    """Switch on line editing, and Tab for the names of views, columns and the commonest words."""
    import readline  # only at a prompt: importing it changes the terminal

    found = _columns(root)
    names = {*_KEYWORDS, *found, *(column for columns in found.values() for column, _ in columns)}
    matching: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            matching[:] = sorted(name for name in names if name.startswith(text.lower()))
        return matching[state] if state < len(matching) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n,;()=<>.")
    readline.parse_and_bind(
        "bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete"
    )


def _columns(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Return each view's columns with their types, in the order of the reference."""
    with query(root, _COLUMNS) as result:
        found = dict(result.rows)
    return {name: [(column, kind) for column, kind in found[name]] for name in VIEWS}


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
