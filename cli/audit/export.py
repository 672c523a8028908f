"""`regate audit export`: the evidence for other tools, as JSON lines, Parquet or OCSF events."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.moments import moment
from cli.opened import note_reading
from cli.rows import whole_file
from cli.screen import progress_bar, spelled
from gateway.audit.files import Folder
from gateway.audit.reading import (
    OCSF_SELECT,
    VIEWS,
    QueryLimits,
    ocsf_event,
    query,
    query_to_parquet,
    verbatim_lines,
)
from gateway.config import config_path, load_config

_STARTED = {
    "sessions": "started_at",
    "exchanges": "started_at",
    "contents": "started_at",
    "egress": "started_at",
    "approvals": "opened_at",
    "writers": "born_at",
    "heads": "signed_at",
    "seals": "visible_at",
    "removals": "removed_at",
}
_ROWS_A_TELL = 1000
_MEMORY = 3 * 1024**3  # rows are read 2048 at a time, and may be megabytes long
_SPILL = 1024**4  # of what views put together beyond that; it ends at half of the free disk


class Form(StrEnum):
    """What is written."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    OCSF = "ocsf"


View = StrEnum("View", {name.upper(): name for name in VIEWS})  # type: ignore[misc]  # its names are data


def export(
    form: Annotated[Form, typer.Option("--format", help="JSON lines, Parquet, or OCSF events.")] = Form.JSONL,
    view: Annotated[
        View | None, typer.Option(help="The rows of this view; not with OCSF. [default: records]")
    ] = None,
    since: Annotated[str, typer.Option(help="From then on: 7d, 12h, 45m, or a date or time (UTC).")] = "",
    until: Annotated[str, typer.Option(help="Before then, likewise.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write this file, whole or not at all, and not standard output.")
    ] = None,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds after which it is stopped.")] = 3600,
) -> None:
    """Write the evidence out for other tools. Records as JSON lines are the journal's lines as they stand.

    Example: regate audit export --format ocsf --since 7d --out week.ndjson
    """
    if form is Form.OCSF and view is not None:
        raise typer.BadParameter("OCSF events are made of decisions and refusals", param_hint="--view")
    if form is Form.PARQUET and out is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is not for a terminal; name a file", param_hint="--out")
    config = load_config(config_path())
    root = config.audit_path.resolve()
    name = str(view or "records")
    bounds = {">=": moment(since, "--since"), "<": moment(until, "--until")}
    parameters = [time.isoformat() for time in bounds.values() if time]
    column = _STARTED.get(name, "recorded_at")
    conditions = ["true", *(f"{column} {sign} ?::TIMESTAMPTZ" for sign, time in bounds.items() if time)]
    source = _source(form, name, root)
    select = f"SELECT * FROM {source} WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own names
    told = {"view": name, "format": str(form), "since": since, "until": until, "out": str(out or "")}
    note = partial(note_reading, config, "evidence_exported", **told)
    limits = QueryLimits(timeout, memory=_MEMORY, spill=_SPILL, address_space=3 * _MEMORY)
    with _told() as tell, whole_file(out) as file:
        if form is Form.PARQUET:
            query_to_parquet(root, select, file, parameters, limits=limits, answered=note)
            return
        with query(root, select, parameters, limits=limits) as result:
            note()
            for count, row in enumerate(result.rows, 1):
                file.write(_line(form, name, dict(zip(result.columns, row, strict=True))) + b"\n")
                if count % _ROWS_A_TELL == 0:
                    tell(count)


def _source(form: Form, view: str, root: Path) -> str:
    if form is Form.OCSF:
        return f"({OCSF_SELECT})"
    verbatim = form is Form.JSONL and view == "records"
    return f"({verbatim_lines(Folder(root))})" if verbatim else view


def _line(form: Form, view: str, row: dict[str, Any]) -> bytes:
    if form is Form.JSONL and view == "records":
        line: str = row["line"]
        return line.encode()
    said = ocsf_event(row) if form is Form.OCSF else row
    # half a surrogate pair, which UTF-8 cannot say, and control characters become the escapes of JSON
    return spelled(json.dumps(said, ensure_ascii=False)).encode()


@contextmanager
def _told() -> Iterator[Callable[[int], None]]:
    """Show how many rows are written, on stderr where that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task("exporting", total=None)
        yield lambda rows: progress.update(task, description=f"{rows:,} rows exported")
