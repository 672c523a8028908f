"""`regate audit sql` and `views`: the evidence asked in SQL, from the command line, a file or a prompt."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
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
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError

_COLUMNS = """
    SELECT table_name, list([column_name, data_type] ORDER BY column_index)
    FROM duckdb_columns() WHERE NOT internal GROUP BY 1 ORDER BY 1
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
    statement: Annotated[
        str | None,
        typer.Argument(metavar="[SELECT]", help="One SELECT over the views; none starts a prompt."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the SELECT from this file; - is standard input.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file and not to standard output.")] = None,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds after which the query is stopped.")] = 60,
) -> None:
    """Ask the evidence in SQL; `regate audit views` lists the views and their columns.

    Example: regate audit sql "select action, count(*) from decisions group by 1"
    """
    config, limits = load_config(config_path()), QueryLimits(seconds=timeout)
    form = Format.JSON if as_json else form
    if statement is not None and file is not None:
        raise typer.BadParameter("give a SELECT or a file that holds one, not both", param_hint="--file")
    if file is not None:
        statement = _text(file)
    elif statement is None:
        if not sys.stdin.isatty():
            raise typer.BadParameter("expected a SELECT, or --file -", param_hint="SELECT")
        _prompt(config, form, limits)
        return
    _ask(config, statement, form, out, limits)


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


def _ask(config: Config, statement: str, form: Format, out: Path | None, limits: QueryLimits) -> None:
    """Print the answer, once it is there and it is on record that it was asked for."""
    root, note = config.audit_path, partial(note_reading, config, "evidence_queried", sql=statement)
    if form is Format.PARQUET:
        if out is None and sys.stdout.isatty():
            raise typer.BadParameter("Parquet is not for a terminal; name a file", param_hint="--out")
        with binary_output(out) as file:
            query_to_parquet(root, statement, file, limits=limits, answered=note)
        return
    # the answer begins before the file is opened: a refused query leaves an older answer as it was
    with query(root, statement, limits=limits) as result:
        note()
        with text_output(out) as file:
            write_rows(result, form, file)


def _prompt(config: Config, form: Format, limits: QueryLimits) -> None:
    """Ask for questions until Ctrl-D. A mistake in one is printed, and the next one asked."""
    _complete(config.audit_path)
    typer.echo("One SELECT over the evidence, ended by a semicolon; Tab completes, Ctrl-D leaves.")
    for statement in _statements():
        try:
            _ask(config, statement, form, None, limits)
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
