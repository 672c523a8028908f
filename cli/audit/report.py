"""`regate audit report`: what a framework demands of the log, answered: one page, and the rows behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from cli.audit.frameworks import FRAMEWORKS, QUESTIONS, page
from cli.moments import moment
from cli.opened import note_reading
from cli.rows import binary_output, text_output
from gateway.audit.reading import QueryLimits, query_to_parquet
from gateway.audit.verifying import verify
from gateway.config import Config, config_path, load_config
from gateway.errors import ConfigError
from gateway.http.console import rendering

_SHOWN = 100  # rows of each answer that are on the page
_LIMITS = QueryLimits(600)

FrameworkName = StrEnum("FrameworkName", {name.upper().replace("-", "_"): name for name in FRAMEWORKS})  # type: ignore[misc]  # its names are data


def report(
    framework: Annotated[FrameworkName, typer.Option(help="Whose demands are answered.")],
    since: Annotated[str, typer.Option(help="From then on: 90d, or a date (UTC).")] = "90d",
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to. [default: regate-FRAMEWORK-DATE]")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page that maps demands to views and commands.")
    ] = False,
) -> None:
    """Answer what a framework demands of the log: one HTML page, and the rows behind it as Parquet.

    Example: regate audit report --framework soc2 --since 90d --out audit-2026
    """
    name = str(framework)
    if markdown:
        typer.echo(page(name), nl=False)
        return
    config, until = load_config(config_path()), datetime.now(UTC)
    begun = moment(since, "--since") or until - timedelta(days=90)
    folder = out or Path(f"regate-{name}-{until:%Y-%m-%d}")
    note_reading(config, "evidence_exported", view=f"report {name}", since=since, out=str(folder))
    public = config.evidence_key_path.with_suffix(".pub")
    proved = verify(config.audit_path, public, since=begun.astimezone(UTC).isoformat())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: it cannot be made: {error}") from error
    times = [begun.isoformat(), until.isoformat()]
    answers = [
        _answer(config, folder, asked, times)
        for asked in dict.fromkeys(d[2] for d in FRAMEWORKS[name].demands)
    ]
    css = Path(rendering.__file__).with_name("static").joinpath("console.css")
    templates = rendering.environment(Path(__file__).with_name("templates"))
    with text_output(folder / "index.html") as file:
        file.write(
            templates.get_template("report.html").render(
                framework=FRAMEWORKS[name],
                questions=QUESTIONS,
                answers={answer["asked"]: answer for answer in answers},
                proved=proved,
                times=times,
                shown=_SHOWN,
                styles=css.read_text("utf-8"),
            )
        )
    typer.echo(f"{len(answers)} questions answered in {folder / 'index.html'}")
    raise typer.Exit(0 if proved.intact else 1)


def _answer(config: Config, folder: Path, asked: str, times: list[str]) -> dict[str, Any]:
    """Write the rows of a question as Parquet; return the first of them."""
    path = folder / f"{asked}.parquet"
    with binary_output(path) as file:
        query_to_parquet(config.audit_path, QUESTIONS[asked].sql, file, times, limits=_LIMITS)
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(path))
        first = connection.execute("SELECT COLUMNS(*)::VARCHAR FROM rows LIMIT ?", [_SHOWN]).fetchall()
        return {"asked": asked, "columns": rows.columns, "rows": first, "count": len(rows)}
